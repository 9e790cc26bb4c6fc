//! `approve`: a regulator's vote; the one that completes the quorum makes the proposal act.

use chipledger_schemas::records::Approve;
use chipledger_schemas::words::Role;

use super::{Context, propose};
use crate::rejection::Fault;
use crate::state::{Draft, State};

/// Who has voted may vote again: it changes nothing, unless the seats have changed in between.
pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Approve,
) -> Result<(), Fault> {
    draft.require_role(context.author(), &[Role::Regulator])?;
    let proposal = propose::open(draft, &record.proposal)?;
    propose::vote(draft, context, &record.proposal, proposal)
}

#[cfg(test)]
mod tests;
