//! `pack`: items go into units, the same number into each, in order.

use std::collections::BTreeSet;

use chipledger_proof::state::ItemKind;
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::records::Pack;

use super::Context;
use super::holding::{
    Named, check_at_site, check_present, check_root, check_unsealed, relative_facts,
};
use super::register::issuer_of;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, NewItem, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Pack,
) -> Result<(), Fault> {
    let author = context.author();
    let items = draft.held_items(&record.items, author, record.occurred_at)?;
    for item in &items {
        check_root(&item.effective)?;
        check_at_site(&item.effective)?;
        check_present(&item.effective)?;
    }
    let each = usize::try_from(record.items.len() / record.units.len()).unwrap_or(usize::MAX);
    let units: Vec<ItemId> = record.units.ids().collect();
    let first_new = new_units(draft, author, record, &units)?;
    let mut created = 0;
    for (id, items) in units.iter().zip(items.chunks(each)) {
        let unit = match draft.find_number(id)? {
            Some(unit) if first_new.is_none_or(|first| unit < first) => {
                check_unit(draft, author, record, unit)?;
                unit
            }
            _ => {
                let first = first_new.expect("an unknown unit is new");
                let unit = ItemNumber(first.0 + created);
                created += 1;
                create(draft, record, id.clone(), unit, &items[0].effective)?;
                unit
            }
        };
        fill(draft, record, unit, items)?;
    }
    Ok(())
}

/// Names the units that do not exist yet; the number of the first of them.
fn new_units<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &Pack,
    units: &[ItemId],
) -> Result<Option<ItemNumber>, Fault> {
    let mut new = Vec::new();
    for id in units {
        if draft.find_number(id)?.is_none() {
            new.push(id.clone());
        }
    }
    if new.is_empty() {
        return Ok(None);
    }
    let issuers: BTreeSet<_> = new.iter().map(ItemId::issuer).collect();
    for issuer in issuers {
        if issuer_of(draft, issuer)?.as_ref() != Some(author) {
            return reject(
                Code::IssuerNotOwned,
                format!("{issuer} is no prefix of {author}"),
            );
        }
    }
    let first = draft.take_numbers(new.len() as u64);
    if new.len() == units.len() {
        draft.register_names(&record.units, first)?;
    } else {
        let set =
            chipledger_schemas::items::ItemSet::of(&new).expect("units of a set are distinct");
        draft.register_names(&set, first)?;
    }
    Ok(Some(first))
}

/// A new unit stands where its first item stands, and is its owner's.
fn create<S: State>(
    draft: &mut Draft<'_, S>,
    record: &Pack,
    id: ItemId,
    number: ItemNumber,
    like: &Effective,
) -> Result<(), Fault> {
    let (place, holder) = (like.place.clone(), like.holder.clone());
    let new = NewItem {
        id,
        kind: ItemKind::Unit(record.unit_kind),
        facts: Facts {
            location: Location::At { place, holder },
            owner: Some(like.owner.clone()),
            user: like.user.clone(),
            status: Some(like.status),
            irregularity: like.irregularity,
            seal: None,
        },
        unverified: false,
        device_key: None,
    };
    draft.create_item(number, new, record.occurred_at)
}

fn check_unit<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &Pack,
    unit: ItemNumber,
) -> Result<(), Fault> {
    let effective = draft.effective(unit)?;
    draft.check_movable(&effective, record.occurred_at)?;
    draft.check_held(&effective, author)?;
    check_unsealed(&effective)?;
    check_present(&effective)?;
    let (kind, sealed) = draft.with_item(unit, |item| (item.kind, item.facts.seal.is_some()))?;
    if kind != ItemKind::Unit(record.unit_kind) {
        return reject(
            Code::UnitKindMismatch,
            format!("{} is another kind of item", effective.id),
        );
    }
    if sealed {
        return reject(Code::Sealed, format!("{} is sealed", effective.id));
    }
    let facts = draft.with_item(unit, |item| item.facts.clone())?;
    draft.move_item(unit, facts, record.occurred_at)
}

fn fill<S: State>(
    draft: &mut Draft<'_, S>,
    record: &Pack,
    unit: ItemNumber,
    items: &[Named],
) -> Result<(), Fault> {
    let outer = draft.effective(unit)?;
    let depth = outer.containers.len() + 1;
    for named in items {
        if named.effective.place != outer.place {
            let place: &Place = &outer.place;
            return reject(
                Code::WrongSite,
                format!(
                    "{} is not where {} is ({place:?})",
                    named.effective.id, outer.id
                ),
            );
        }
        if outer.root == named.number {
            return reject(
                Code::UnitTooSmall,
                format!("{} cannot contain itself", outer.id),
            );
        }
        let item = draft.item(named.number)?;
        let container = draft.item(unit)?;
        draft.check_fits(&item, &container, depth)?;
        let facts = relative_facts(&item, &named.effective, unit, &outer);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
