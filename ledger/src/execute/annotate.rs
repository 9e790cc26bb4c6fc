//! `annotate`: a note on a record. That the record exists is not checked: `execute` reads nothing
//! outside committed state, and records are not in it. Readers show a note on an unknown record as
//! such.

use chipledger_schemas::records::Annotate;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

/// Anyone who may sign at all may annotate.
#[allow(
    clippy::unnecessary_wraps,
    reason = "every kind has the same signature"
)]
pub(super) fn run<S: State>(
    _draft: &mut Draft<'_, S>,
    _context: &Context<'_>,
    _record: &Annotate,
) -> Result<(), Fault> {
    Ok(())
}
