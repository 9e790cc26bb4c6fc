//! `sighting`: a label was seen where the book does not have it. It moves nothing, and the label
//! may be nobody's.

use chipledger_schemas::records::Sighting;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Sighting,
) -> Result<(), Fault> {
    draft.require_role(
        context.author(),
        &[
            Role::Inspector,
            Role::Customs,
            Role::Regulator,
            Role::Carrier,
            Role::Operator,
        ],
    )?;
    if let Some(site) = &record.site {
        draft.site(site)?;
    }
    draft.note_if_known(&record.item, record.occurred_at)
}
