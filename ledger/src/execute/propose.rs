//! `propose`: a governance record goes to the vote; regulators who sign it have voted for it.

use std::collections::BTreeSet;

use chipledger_proof::state::{Key, Proposal};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::records::Propose;

use super::Context;
use crate::authority::Signers;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};
use crate::verify::PROPOSAL_MS_MAX;

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Propose,
) -> Result<(), Fault> {
    let (id, time) = (&record.proposal, draft.at.time);
    if record.expires_at <= time || record.expires_at > time.plus_ms(PROPOSAL_MS_MAX) {
        let detail = format!("expires_at must be after block time {time}, by at most 90 days");
        return reject(Code::Malformed, detail);
    }
    let key = Key::Proposal(id.clone());
    if draft.look::<Proposal, _>(&key, |_| ())?.is_some() {
        return reject(Code::DocumentTaken, format!("proposal {id} exists"));
    }
    if id.member != *context.author() {
        let detail = format!("{id} is not a proposal of the signer");
        return reject(Code::DocumentMismatch, detail);
    }
    let proposal = Proposal {
        record: record.record.clone(),
        expires_at: record.expires_at,
        approvals: BTreeSet::new(),
        closed: false,
    };
    vote(draft, context, id, proposal)
}

/// Counts the regulators among the signers, and lets the proposal act once they are a quorum of the
/// seats as they are now. What it would do may be rejected: then the vote that completed the quorum
/// is, too, and can be cast again.
pub(super) fn vote<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    id: &DocumentId,
    mut proposal: Proposal,
) -> Result<(), Fault> {
    let seats = draft.regulators()?;
    let votes = context.signers.admins.intersection(&seats).cloned();
    proposal.approvals.extend(votes);
    proposal.closed = draft.is_quorum(&proposal.approvals)?;
    draft.put(Key::Proposal(id.clone()), proposal.clone());
    if !proposal.closed {
        return Ok(());
    }
    let signers = Signers {
        author: id.member.clone(),
        key: context.signers.key,
        cosigners: BTreeSet::new(),
        admins: BTreeSet::new(),
        approved: true,
    };
    let context = Context {
        signers: &signers,
        future_ms: context.future_ms,
    };
    super::run(draft, &context, &proposal.record)
}

/// The proposal, if it can still be decided.
pub(super) fn open<S: State>(draft: &Draft<'_, S>, id: &DocumentId) -> Result<Proposal, Fault> {
    let Some(proposal) = draft.get::<Proposal>(&Key::Proposal(id.clone()))? else {
        return reject(Code::DocumentUnknown, format!("no proposal {id}"));
    };
    if proposal.closed {
        let detail = format!("proposal {id} has acted or was withdrawn");
        return reject(Code::DocumentClosed, detail);
    }
    if draft.at.time > proposal.expires_at {
        let detail = format!("proposal {id} expired at {}", proposal.expires_at);
        return reject(Code::DocumentClosed, detail);
    }
    Ok(proposal)
}

#[cfg(test)]
mod tests;
