//! `set_policy`: an authority sets rules for its own jurisdiction; the quorum sets those that hold
//! elsewhere or everywhere.

use chipledger_proof::state::{Key, Policy};
use chipledger_schemas::records::SetPolicy;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetPolicy,
) -> Result<(), Fault> {
    let authority = &record.policy.member;
    draft.member(authority)?;
    let key = Key::Policy(record.policy.clone());
    let mut scopes = vec![record.jurisdiction];
    // What the quorum decided for others is not one authority's to loosen.
    scopes.extend(draft.look::<Policy, _>(&key, |before| before.jurisdiction)?);
    if !draft.is_national(context.author(), authority, &scopes)? {
        draft.require_quorum(context.signers)?;
    }
    draft.put(key, record.clone());
    Ok(())
}

#[cfg(test)]
mod tests;
