//! Checking a proof file: every kind against the roots of a header that a quorum signed.
//!
//! The checker computes what it states (place, custody, sums, completeness) from leaves and entries
//! itself; a file holds no conclusion that could be wrong.

pub mod absent;
pub mod book;
pub mod equivocation;
pub mod item;
pub mod journey;
pub mod totals;

use chipledger_schemas::ids::{BlockHash, Height, ItemId};
use chipledger_schemas::time::Time;
use serde::Serialize;

use crate::PathError;
use crate::file::{Content, FileError, ProofFile};
use crate::trust::{Pin, TrustError, Trusted};

/// The file proves nothing. Do not use it: ask another peer for one at the same height.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file does not read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The header is not to be believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The roots shown are not those of the header.
    #[error("the roots do not make the state root of the header")]
    OtherState,
    /// A path does not lead to its root.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file speaks of another edition of the catalogue than this program carries. Use a program
    /// that carries it.
    #[error("the proof needs edition {needed} of the catalogue, this program has {known}")]
    OtherEdition {
        /// Edition of the file.
        needed: u32,
        /// Edition of this program.
        known: u32,
    },
    /// Parts of the file contradict each other, or one too many or too few is there.
    #[error("the proof contradicts itself: {what}")]
    Contradiction {
        /// What is wrong.
        what: &'static str,
    },
}

/// Refuses unless `holds`.
pub(crate) fn require(holds: bool, what: &'static str) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err(Refusal::Contradiction { what })
    }
}

/// What a file proves, and as of when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// Why the header is believed.
    pub trusted: Trusted,
    /// Height that it is true at.
    pub height: Height,
    /// Block time of that height; event time of the loaded history under the replay clock.
    pub time: Time,
    /// The block.
    pub block: BlockHash,
    /// What is true.
    pub statement: Statement,
}

/// What is proven.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// An item stands so.
    Item(item::ItemStatement),
    /// No item has this id.
    Absent {
        /// The id.
        id: ItemId,
    },
    /// The complete compute of a dimension.
    Totals(totals::TotalsStatement),
    /// The complete journey of an item.
    Journey(journey::JourneyStatement),
    /// The complete book.
    Book(book::BookStatement),
    /// A validator's key signed two different things at one step.
    Equivocation(equivocation::EquivocationStatement),
}

impl Verdict {
    /// Milliseconds from the block's time to `now`; zero if the block is later.
    pub fn age_ms(&self, now: Time) -> u64 {
        now.since_ms(self.time)
    }
}

impl ProofFile {
    /// Checks everything, given what the checker trusts.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, pin: &Pin) -> Result<Verdict, Refusal> {
        let trusted = self.trust.verify(pin)?;
        let header = &self.trust.header;
        self.roots.verify(header)?;
        let roots = &self.roots;
        let statement = match &self.content {
            Content::Item(proof) => Statement::Item(proof.check(roots)?),
            Content::Absent(proof) => Statement::Absent {
                id: proof.check(roots)?,
            },
            Content::Totals(proof) => Statement::Totals(proof.check(roots)?),
            Content::Journey(proof) => Statement::Journey(proof.check(roots)?),
            Content::Book(proof) => Statement::Book(proof.check(roots)?),
            Content::Equivocation(proof) => {
                Statement::Equivocation(proof.check(roots, &trusted.genesis)?)
            }
        };
        Ok(Verdict {
            trusted,
            height: header.height,
            time: header.time,
            block: header.hash(),
            statement,
        })
    }
}

/// Reads a proof file and checks everything in it.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(bytes: &[u8], pin: &Pin) -> Result<Verdict, Refusal> {
    ProofFile::from_bytes(bytes)?.check(pin)
}
