//! Questions over the read model, and detection rules: pure functions of a ledger at a height,
//! never part of its state. A crate of its own, so that neither verifiers nor votes depend on it.
//!
//! ```text
//! View (rows of the ledger) -> Book (all postings in memory) -> questions -> answers
//! ```

pub mod accountancy;
pub mod ask;
pub mod book;
pub mod changes;
pub mod compute;
pub mod concentration;
pub mod coverage;
pub mod distance;
pub mod ever_at;
pub mod flows;
pub mod headroom;
pub mod hypergeometric;
pub mod journeys;
pub mod names;
pub mod plan;
pub mod pools;
pub mod rules;
pub mod sample;
pub mod shelf;
pub mod thresholds;

pub use book::Book;
pub use names::Names;
pub use shelf::Shelf;
