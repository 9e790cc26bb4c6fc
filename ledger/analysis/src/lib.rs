//! Questions over the read model, and detection rules: pure functions of a ledger at a height,
//! never part of its state. A crate of its own, so that neither verifiers nor votes depend on it.
//!
//! ```text
//! View (rows of the ledger) -> Book (all postings in memory) -> questions -> answers
//! ```

pub mod book;
pub mod compute;
pub mod concentration;
pub mod flows;
pub mod names;
pub mod shelf;

pub use book::Book;
pub use names::Names;
pub use shelf::Shelf;
