//! `report_equivocation`: A validator's key signed two different things at one step of consensus.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::consensus_preimage;
use crate::encode::encode;
use crate::hash::{self, Hash};
use crate::ids::{BlockHash, GenesisHash, Height, MemberId, PublicKey, Signature};
use crate::keys::verify_strict;
use crate::records::check::{Check, FieldError, unless};
use crate::words::Step;

/// A validator's key signed two different things at one step of consensus.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportEquivocation {
    /// Whose seat.
    pub member: MemberId,
    /// The key of the seat, which signed both.
    pub key: PublicKey,
    /// Height of the block that was voted on.
    pub height: Height,
    /// Round of consensus.
    pub round: u32,
    /// Proposal, prevote or precommit.
    pub step: Step,
    /// One statement.
    pub first: SignedStatement,
    /// Another, which an honest validator that signed the first does not sign.
    pub second: SignedStatement,
}

/// What a validator signed at a step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// The block; absent for nil, which is voted but never proposed.
    pub value: Option<BlockHash>,
    /// Of a proposal: the round in which the value had its prevotes, if it is proposed again.
    /// Absent in votes.
    pub pol_round: Option<u32>,
    /// The key's, over the preimage of the statement
    /// ([`consensus_preimage`]).
    pub signature: Signature,
}

impl ReportEquivocation {
    /// Names what was done, whoever reports it and in whatever order: one key can do it once per
    /// step.
    pub fn id(&self) -> Hash {
        let step = (&self.key, self.height, self.round, self.step);
        hash::EQUIVOCATION.hash(&encode(&step))
    }

    /// Whether the two statements differ in what they say: two signatures over one statement are
    /// no equivocation.
    pub fn contradicts(&self) -> bool {
        let says = |statement: &SignedStatement| (statement.value, statement.pol_round);
        says(&self.first) != says(&self.second)
    }

    /// Whether the key signed both statements, for the ledger given.
    pub fn is_signed(&self, genesis: &GenesisHash) -> bool {
        [&self.first, &self.second].into_iter().all(|statement| {
            let preimage = consensus_preimage(
                genesis,
                self.height,
                self.round,
                self.step,
                statement.value.as_ref(),
                statement.pol_round,
            );
            verify_strict(&self.key, &preimage, &statement.signature)
        })
    }
}

impl Check for ReportEquivocation {
    fn check(&self) -> Result<(), FieldError> {
        for statement in [&self.first, &self.second] {
            if self.step == Step::Proposal {
                unless(
                    statement.value.is_none(),
                    "value",
                    "must name a block: nil is not proposed",
                )?;
            } else {
                unless(
                    statement.pol_round.is_some(),
                    "pol_round",
                    "belongs to a proposal, a vote has none",
                )?;
            }
        }
        Ok(())
    }
}
