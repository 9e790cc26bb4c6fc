//! `remove`: items go out of operation, back to stock where they are.

use chipledger_schemas::records::Remove;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{check_once, check_status};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Remove,
) -> Result<(), Fault> {
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    check_once(&items)?;
    for item in &items {
        check_status(&item.effective, &[Status::Installed])?;
    }
    for item in &items {
        draft.set_status(item.number, Status::Stock, record.occurred_at)?;
    }
    Ok(())
}
