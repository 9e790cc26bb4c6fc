//! `close_alert`: how an authority disposed of an alert. Alerts are derived, so any id is taken; a
//! later disposition replaces an earlier one.

use chipledger_proof::state::{Alert, Key};
use chipledger_schemas::records::CloseAlert;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &CloseAlert,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(author, &[Role::Customs, Role::Regulator, Role::Inspector])?;
    let alert = Alert {
        by: author.clone(),
        outcome: record.outcome,
        record: draft.at.id,
    };
    draft.put(Key::Alert(record.alert), alert);
    Ok(())
}
