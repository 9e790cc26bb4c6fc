//! `withdraw`: the proposer takes its proposal back.

use chipledger_proof::state::Key;
use chipledger_schemas::records::Withdraw;

use super::{Context, propose};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Withdraw,
) -> Result<(), Fault> {
    let id = &record.proposal;
    let proposer = draft.successor_of(&id.member)?;
    if proposer != *context.author() {
        return reject(
            Code::NotAuthority,
            format!("only {proposer} may take {id} back"),
        );
    }
    let mut proposal = propose::open(draft, id)?;
    proposal.closed = true;
    draft.put(Key::Proposal(id.clone()), proposal);
    Ok(())
}

#[cfg(test)]
mod tests;
