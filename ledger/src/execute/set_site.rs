//! `set_site`: a site acts only when customs of the claimed jurisdiction countersign; a change of
//! jurisdiction re-posts every balance there.

use chipledger_proof::state::{Account, AccountPlace, Balance, ContentRow, Key, Site};
use chipledger_schemas::ids::SiteId;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::SetSite;
use chipledger_schemas::time::Time;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Side, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetSite,
) -> Result<(), Fault> {
    draft.active_member(&record.operator)?;
    let before = draft.get::<Site>(&Key::Site(record.site.clone()))?;
    let operator = before
        .as_ref()
        .map_or(&record.operator, |site| &site.operator);
    if !context.signers.approved {
        draft.require_cosigner(context.signers, operator)?;
        draft.require_customs(context.signers, record.jurisdiction)?;
    }
    if let Some(before) = &before
        && before.operator != record.operator
    {
        draft.require_cosigner(context.signers, &record.operator)?;
    }
    let accounts = match &before {
        Some(before) if before.jurisdiction != record.jurisdiction => {
            if record.valid_from < before.valid_from {
                let since = before.valid_from;
                return reject(
                    Code::OutOfOrder,
                    format!("the site is as it is since {since}"),
                );
            }
            draft.accounts_at(&record.site)?
        }
        _ => Vec::new(),
    };
    put(draft, record);
    for account in accounts {
        repost(
            draft,
            &account,
            &record.site,
            record.jurisdiction,
            record.valid_from,
        )?;
    }
    Ok(())
}

/// Writes a site that was agreed on.
pub(crate) fn put<S: State>(draft: &mut Draft<'_, S>, record: &SetSite) {
    let site = Site {
        name: record.name.clone(),
        jurisdiction: record.jurisdiction,
        operator: record.operator.clone(),
        position: record.position,
        power_kw: record.power_kw,
        valid_from: record.valid_from,
    };
    draft.put(Key::Site(record.site.clone()), site);
}

/// Moves a whole balance to the account that differs in the site's jurisdiction.
fn repost<S: State>(
    draft: &mut Draft<'_, S>,
    account: &Account,
    site: &SiteId,
    jurisdiction: Jurisdiction,
    occurred_at: Time,
) -> Result<(), Fault> {
    let Some(balance) = draft.get::<Balance>(&Key::Account(account.clone()))? else {
        return Ok(());
    };
    let mut to = account.clone();
    match &mut to.place {
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
    for row in balance.0 {
        for (count, disputed) in [(row.count - row.disputed, false), (row.disputed, true)] {
            if count > 0 {
                let (owner, user, status) = (None, None, None);
                let row = ContentRow {
                    model: row.model,
                    owner,
                    user,
                    status,
                    disputed,
                    count,
                };
                let (from, to) = (Side::Account(account.clone()), Side::Account(to.clone()));
                draft.post(occurred_at, &row, from, to);
            }
        }
    }
    Ok(())
}
