//! `set_validators`: the regulators' quorum says whose peers vote from the block after the next
//! one.

use chipledger_schemas::certificate::ValidatorSet;
use chipledger_schemas::records::SetValidators;

use super::{Context, validators};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetValidators,
) -> Result<(), Fault> {
    for seat in &record.validators {
        draft.active_member(&seat.member)?;
    }
    draft.require_quorum(context.signers)?;
    validators::seat(draft, ValidatorSet(record.validators.clone()))
}

#[cfg(test)]
mod tests;
