//! `decommission`: the working life of items ends; they stay where they are and may still be sent.

use chipledger_schemas::records::Decommission;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{check_at_site, check_once, check_status};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Decommission,
) -> Result<(), Fault> {
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    check_once(&items)?;
    for item in &items {
        check_at_site(&item.effective)?;
        check_status(
            &item.effective,
            &[Status::Stock, Status::Installed, Status::Irregular],
        )?;
    }
    for item in &items {
        draft.set_status(item.number, Status::Decommissioned, record.occurred_at)?;
    }
    Ok(())
}
