//! `set_site`: a site acts only when customs of the claimed jurisdiction countersign; a change of
//! jurisdiction re-posts every balance there.

use chipledger_proof::state::{Account, AccountPlace, Key, Site};
use chipledger_schemas::ids::SiteId;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::SetSite;
use chipledger_schemas::time::Time;

use super::Context;
use crate::authority::Signers;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetSite,
) -> Result<(), Fault> {
    draft.active_member(&record.operator)?;
    let before = draft.get::<Site>(&Key::Site(record.site.clone()))?;
    check_agreed(draft, context.signers, record, before.as_ref())?;
    draft.check_not_future(record.valid_from, context.future_ms)?;
    let since = before
        .as_ref()
        .map_or(record.valid_from, |site| site.valid_from);
    if record.valid_from < since {
        return reject(
            Code::OutOfOrder,
            format!("{} is as it is since {since}", record.site),
        );
    }
    let moved_at = match &before {
        Some(before) if before.jurisdiction != record.jurisdiction => Some(draft.at.time),
        before => before.as_ref().and_then(|before| before.moved_at),
    };
    put(draft, record, moved_at);
    if before.is_none_or(|before| before.jurisdiction == record.jurisdiction) {
        return Ok(());
    }
    for account in draft.accounts_at(&record.site)? {
        let place = moved(&account.place, &record.site, record.jurisdiction);
        let to = Account {
            place,
            ..account.clone()
        };
        draft.post_balance(record.valid_from, &account, &to)?;
    }
    Ok(())
}

/// Rejects a site that its operator, a new operator and customs of the claimed jurisdiction did not
/// all sign with admin keys. The regulators' quorum stands in for all of them.
fn check_agreed<S: State>(
    draft: &Draft<'_, S>,
    signers: &Signers,
    record: &SetSite,
    before: Option<&Site>,
) -> Result<(), Fault> {
    if draft.has_quorum(signers)? {
        return Ok(());
    }
    if let Some(before) = before {
        signers.require_admin(&draft.successor_of(&before.operator)?)?;
    }
    signers.require_admin(&record.operator)?;
    for member in &signers.admins {
        if draft.is_customs_of(member, record.jurisdiction)? {
            return Ok(());
        }
    }
    let place = record.jurisdiction;
    reject(
        Code::CosignatureMissing,
        format!("customs of {place} must sign or co-sign with an admin key"),
    )
}

/// Writes a site that was agreed on.
pub(crate) fn put<S: State>(draft: &mut Draft<'_, S>, record: &SetSite, moved_at: Option<Time>) {
    let site = Site {
        name: record.name.clone(),
        jurisdiction: record.jurisdiction,
        operator: record.operator.clone(),
        position: record.position,
        power_kw: record.power_kw,
        valid_from: record.valid_from,
        moved_at,
    };
    draft.put(Key::Site(record.site.clone()), site);
}

/// The place of an account once a site is in another jurisdiction.
fn moved(place: &AccountPlace, site: &SiteId, jurisdiction: Jurisdiction) -> AccountPlace {
    let mut place = place.clone();
    match &mut place {
        AccountPlace::Site {
            jurisdiction: at, ..
        } => *at = jurisdiction,
        AccountPlace::Transit {
            from,
            to,
            from_jurisdiction,
            to_jurisdiction,
        } => {
            if from == site {
                *from_jurisdiction = jurisdiction;
            }
            if to == site {
                *to_jurisdiction = jurisdiction;
            }
        }
    }
    place
}

#[cfg(test)]
mod tests;
