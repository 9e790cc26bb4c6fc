//! `tip`: a regulator enters a whistleblower's sealed message. Labels that nobody registered may be
//! named.

use chipledger_schemas::records::Tip;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Tip,
) -> Result<(), Fault> {
    draft.require_role(context.author(), &[Role::Regulator])?;
    // A tip says nothing of when: that could tell who wrote it.
    let entered_at = draft.at.time;
    for id in record.items.ids() {
        draft.note_if_known(&id, entered_at)?;
    }
    Ok(())
}
