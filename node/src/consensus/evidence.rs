//! Two signatures of one validator that contradict each other, as the engine found them.

use arc_malachitebft_app_channel::app::types::MisbehaviorEvidence;
use arc_malachitebft_core_types::{NilOrVal, VoteType};
use chipledger_schemas::certificate::Step;
use chipledger_schemas::ids::{BlockHash, Height, MemberId, Signature};

use super::context::LedgerContext;

/// One of the two things that were signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedValue {
    /// A block, or nil.
    pub block: Option<BlockHash>,
    /// For a proposal: the round in which the block had its prevotes.
    pub pol_round: Option<u32>,
    /// The signature.
    pub signature: Signature,
}

/// A validator signed two things at one height, round and step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Equivocation {
    /// Whose seat.
    pub member: MemberId,
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// At which step.
    pub step: Step,
    /// One of the two.
    pub first: SignedValue,
    /// The other.
    pub second: SignedValue,
}

/// What the engine found at a height. Whether it proves anything is for the ledger to say.
pub fn found(evidence: &MisbehaviorEvidence<LedgerContext>) -> Vec<Equivocation> {
    let mut found = Vec::new();
    for (seat, pairs) in evidence.votes.iter() {
        for (first, second) in pairs {
            let step = match first.message.step {
                VoteType::Prevote => Step::Prevote,
                VoteType::Precommit => Step::Precommit,
            };
            let signed =
                |vote: &arc_malachitebft_core_types::SignedVote<LedgerContext>| SignedValue {
                    block: match vote.message.value {
                        NilOrVal::Nil => None,
                        NilOrVal::Val(block) => Some(block),
                    },
                    pol_round: None,
                    signature: vote.signature,
                };
            found.push(Equivocation {
                member: seat.0.clone(),
                height: first.message.height.height(),
                round: first.message.round.as_u32().unwrap_or(0),
                step,
                first: signed(first),
                second: signed(second),
            });
        }
    }
    for (seat, pairs) in evidence.proposals.iter() {
        for (first, second) in pairs {
            let signed = |proposal: &arc_malachitebft_core_types::SignedProposal<LedgerContext>| {
                SignedValue {
                    block: Some(proposal.message.value.0),
                    pol_round: proposal.message.pol_round.as_u32(),
                    signature: proposal.signature,
                }
            };
            found.push(Equivocation {
                member: seat.0.clone(),
                height: first.message.height.height(),
                round: first.message.round.as_u32().unwrap_or(0),
                step: Step::Proposal,
                first: signed(first),
                second: signed(second),
            });
        }
    }
    found
}
