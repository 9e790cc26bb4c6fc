//! `suspend_member`: from this record on a member's signatures count for nothing, its validator's
//! neither; or they count again, without the seat.

use chipledger_proof::state::Key;
use chipledger_schemas::records::SuspendMember;
use chipledger_schemas::records::suspend_member::Suspension;

use super::{Context, validators};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SuspendMember,
) -> Result<(), Fault> {
    let mut member = draft.member(&record.member)?;
    draft.require_quorum(context.signers)?;
    member.suspended = record.action == Suspension::Suspend;
    draft.put(Key::Member(record.member.clone()), member);
    if record.action == Suspension::Suspend {
        validators::unseat(draft, &record.member)?;
    }
    draft.check_regulators_remain()
}

#[cfg(test)]
mod tests;
