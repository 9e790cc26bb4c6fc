//! `transfer_title`: ownership passes to a member that co-signs; custody, place and use stay.

use chipledger_schemas::ids::{ItemNumber, MemberId};
use chipledger_schemas::records::TransferTitle;
use chipledger_schemas::time::Time;

use super::Context;
use super::holding::check_once;
use crate::rejection::Fault;
use crate::state::{Draft, State, parent_of};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &TransferTitle,
) -> Result<(), Fault> {
    let author = context.author();
    draft.active_member(&record.to)?;
    draft.require_cosigner(context.signers, &record.to)?;
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for item in &items {
        draft.check_owned(&item.effective, author)?;
    }
    check_once(&items)?;
    draft.check_parent_limits(author, &record.to, &draft.chips_of(&items)?)?;
    for item in &items {
        give(draft, item.number, &record.to, record.occurred_at)?;
    }
    Ok(())
}

/// Makes a member the owner. What is inside and has an owner of its own (a tenant's server) keeps it.
fn give<S: State>(
    draft: &mut Draft<'_, S>,
    number: ItemNumber,
    to: &MemberId,
    occurred_at: Time,
) -> Result<(), Fault> {
    let mut facts = draft.with_item(number, |item| item.facts.clone())?;
    let inherited = match parent_of(&facts) {
        Some(container) => Some(draft.effective(container)?.owner),
        None => None,
    };
    facts.owner = (inherited.as_ref() != Some(to)).then(|| to.clone());
    draft.move_item(number, facts, occurred_at)
}
