//! `install`: items go into operation where they are.

use chipledger_schemas::records::Install;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{check_at_site, check_once, check_status};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Install,
) -> Result<(), Fault> {
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    for item in &items {
        check_at_site(&item.effective)?;
        check_status(&item.effective, &[Status::Stock, Status::Irregular])?;
    }
    check_once(&items)?;
    for item in &items {
        draft.set_status(item.number, Status::Installed, record.occurred_at)?;
    }
    Ok(())
}
