//! An evidence pack: what a validator's key signed twice, and that the key had a seat.
//!
//! The checker verifies both signatures itself; the ledger's word is needed only for whose key it
//! was at that height.

use chipledger_schemas::certificate::Step;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, MemberId, PublicKey, RecordId};
use chipledger_schemas::records::report_equivocation::SignedStatement;
use serde::{Deserialize, Serialize};

use super::{Refusal, require};
use crate::shown::{Roots, ShownEntry};
use crate::state::{Entry, Equivocation, Key, Seats};

/// Shows an equivocation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquivocationProof {
    /// Its entry: both signed statements, who reported them.
    pub equivocation: ShownEntry,
    /// The heights at which the key had a seat.
    pub seats: ShownEntry,
}

/// What is proven of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EquivocationStatement {
    /// Its id.
    pub id: Hash,
    /// Whose seat.
    pub member: MemberId,
    /// The key that signed both.
    pub key: PublicKey,
    /// Height of the block that was voted on.
    pub height: Height,
    /// Round of consensus.
    pub round: u32,
    /// Proposal, prevote or precommit.
    pub step: Step,
    /// What both signatures are for: a block or nil, and a proposal's earlier round.
    pub values: [(Option<BlockHash>, Option<u32>); 2],
    /// Who reported it.
    pub reported_by: MemberId,
    /// The record that did.
    pub record: RecordId,
}

impl EquivocationProof {
    /// Checks both signatures, that they are over different statements, and that the key had the
    /// member's seat at that height, for the ledger given.
    pub fn check(
        &self,
        roots: &Roots,
        genesis: &GenesisHash,
    ) -> Result<EquivocationStatement, Refusal> {
        let Entry::Equivocation(claimed) = &self.equivocation.entry else {
            return Err(Refusal::Contradiction {
                what: "the entry is no equivocation",
            });
        };
        let id = claimed.report.id();
        let found: &Equivocation = self.equivocation.value(&Key::Equivocation(id), roots)?;
        let report = &found.report;
        require(report.contradicts(), "both statements say the same")?;
        require(
            report.is_signed(genesis),
            "a statement is not signed by the key",
        )?;
        let seats: &Seats = self.seats.value(&Key::Seats(report.key), roots)?;
        require(
            seats.cover(&report.member, report.height),
            "the key had no seat at that height",
        )?;
        let says = |statement: &SignedStatement| (statement.value, statement.pol_round);
        Ok(EquivocationStatement {
            id,
            member: report.member.clone(),
            key: report.key,
            height: report.height,
            round: report.round,
            step: report.step,
            values: [says(&report.first), says(&report.second)],
            reported_by: found.by.clone(),
            record: found.record,
        })
    }
}
