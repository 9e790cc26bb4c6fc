//! `set_licence`: the authority that a licence is named after grants, changes and revokes it; the
//! quorum may in its stead.

use chipledger_proof::state::{Catalogue, Key, Licence};
use chipledger_schemas::records::SetLicence;
use chipledger_schemas::records::set_licence::{LicenceAction, LicenceTerms};
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetLicence,
) -> Result<(), Fault> {
    let authority = &record.licence.member;
    if let LicenceAction::Grant(terms) = &record.action {
        check_parties(draft, terms)?;
    }
    draft.require_role(authority, &[Role::Regulator, Role::Customs])?;
    let acting = draft.successor_of(authority)?;
    if acting != *context.author() && !draft.has_quorum(context.signers)? {
        return reject(
            Code::NotAuthority,
            format!("the licence is {acting}'s to grant, change and revoke"),
        );
    }
    if let LicenceAction::Grant(terms) = &record.action {
        check_models(draft, terms)?;
    }
    let key = Key::Licence(record.licence.clone());
    let before = draft.get::<Licence>(&key)?;
    let licence = match (&record.action, before) {
        (_, Some(before)) if before.revoked_at.is_some() => {
            let detail = format!("licence {} is revoked", record.licence);
            return reject(Code::DocumentClosed, detail);
        }
        (LicenceAction::Grant(terms), before) => granted(terms.clone(), before),
        (LicenceAction::Revoke { .. }, Some(before)) => Licence {
            revoked_at: Some(draft.at.time),
            ..before
        },
        (LicenceAction::Revoke { .. }, None) => {
            return reject(
                Code::DocumentUnknown,
                format!("no licence {}", record.licence),
            );
        }
    };
    draft.put(key, licence);
    Ok(())
}

/// New terms; what was used stays used.
fn granted(terms: LicenceTerms, before: Option<Licence>) -> Licence {
    let (chips_used, tpp_milli_used) =
        before.map_or((0, 0), |before| (before.chips_used, before.tpp_milli_used));
    Licence {
        terms,
        chips_used,
        tpp_milli_used,
        revoked_at: None,
    }
}

fn check_parties<S: State>(draft: &Draft<'_, S>, terms: &LicenceTerms) -> Result<(), Fault> {
    draft.member(&terms.licensee)?;
    for member in terms.consignee.iter().chain(&terms.end_user) {
        draft.member(member)?;
    }
    Ok(())
}

fn check_models<S: State>(draft: &Draft<'_, S>, terms: &LicenceTerms) -> Result<(), Fault> {
    let unknown = draft.look::<Catalogue, _>(&Key::Catalogue, |catalogue| {
        let known = |model: &_| catalogue.number(model).is_some();
        terms.models.iter().find(|model| !known(*model)).cloned()
    })?;
    match unknown.flatten() {
        None => Ok(()),
        Some(model) => reject(
            Code::ModelUnknown,
            format!("{model} is not in the catalogue"),
        ),
    }
}

#[cfg(test)]
mod tests;
