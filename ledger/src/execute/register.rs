//! `register`: chips enter the ledger as roots, held and owned by the signer.

use std::collections::BTreeMap;

use chipledger_proof::state::{Catalogue, DeviceKeyOf, IssuerOf, ItemKind, Key};
use chipledger_schemas::ids::{Issuer, ItemId, ItemNumber, MemberId, PublicKey};
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::records::Register;
use chipledger_schemas::records::register::{DeviceKey, Origin};
use chipledger_schemas::words::{Role, Status};

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, NewItem, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Register,
) -> Result<(), Fault> {
    let author = context.author();
    match record.origin {
        Origin::Made => draft.require_role(author, &[Role::Fab])?,
        Origin::Unverified => draft.require_role(
            author,
            &[Role::Fab, Role::Distributor, Role::Operator, Role::Customs],
        )?,
    }
    draft.site(&record.site)?;
    let model = draft
        .look::<Catalogue, _>(&Key::Catalogue, |c| c.number(&record.model))?
        .flatten();
    let Some(model) = model else {
        return reject(
            Code::ModelUnknown,
            format!("{} is not in the catalogue", record.model),
        );
    };
    check_issuers(draft, author, record)?;
    let first = draft.take_numbers(record.items.len());
    draft.register_names(&record.items, first)?;
    let place = Place::Site(record.site.clone());
    let facts = Facts {
        location: Location::At {
            place,
            holder: author.clone(),
        },
        owner: Some(author.clone()),
        user: None,
        status: Some(Status::Stock),
        irregularity: None,
        seal: None,
    };
    // The keys are sorted by id, the items by series and number: A:10 comes before A:9 in one of
    // them.
    let keys: BTreeMap<_, _> = record.device_keys.iter().map(|k| (&k.item, k)).collect();
    for (offset, id) in (0_u64..).zip(record.items.ids()) {
        let number = ItemNumber(first.0 + offset);
        let device_key = match keys.get(&id) {
            Some(key) => Some(take_device_key(draft, key, number)?),
            None => None,
        };
        let new = NewItem {
            id,
            kind: ItemKind::Chip(model),
            facts: facts.clone(),
            unverified: record.origin == Origin::Unverified,
            device_key,
        };
        draft.create_item(number, new, record.occurred_at)?;
    }
    Ok(())
}

/// What is made is named under a prefix of the maker; opening stock keeps the label that it bears.
fn check_issuers<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    record: &Register,
) -> Result<(), Fault> {
    let mut last = None;
    for (series, _) in record.items.runs() {
        if last == Some(&series.issuer) {
            continue;
        }
        last = Some(&series.issuer);
        match issuer_of(draft, &series.issuer)? {
            Some(owner) if owner == *author || record.origin == Origin::Unverified => {}
            _ => {
                let issuer = &series.issuer;
                return reject(
                    Code::IssuerNotOwned,
                    format!("{issuer} is no prefix of {author}"),
                );
            }
        }
    }
    Ok(())
}

/// The member that an issuer prefix belongs to.
pub(super) fn issuer_of<S: State>(
    draft: &Draft<'_, S>,
    issuer: &Issuer,
) -> Result<Option<MemberId>, Fault> {
    let found = draft.look::<IssuerOf, _>(&Key::Issuer(issuer.clone()), |of| of.0.clone())?;
    found.map(|member| draft.successor_of(&member)).transpose()
}

fn take_device_key<S: State>(
    draft: &mut Draft<'_, S>,
    key: &DeviceKey,
    number: ItemNumber,
) -> Result<PublicKey, Fault> {
    let entry = Key::DeviceKey(key.key);
    if draft.look::<DeviceKeyOf, _>(&entry, |_| ())?.is_some() {
        let id: &ItemId = &key.item;
        return reject(
            Code::DeviceKeyTaken,
            format!("the key of {id} is another chip's"),
        );
    }
    draft.put(entry, DeviceKeyOf(number));
    Ok(key.key)
}
