//! What is true at a height: read access for `execute`, and the draft of what a block changes.
//!
//! **Invariant:** `execute` reads nothing but what [`State`] offers, and everything that it offers
//! is committed by the state root (scans are over committed entries in canonical order).

use std::sync::Arc;

use chipledger_proof::ITEM_PAGE;
use chipledger_proof::state::{Account, Entry, EntryKind, Key};
use chipledger_schemas::ids::{Height, ItemNumber, SiteId, TransactionId};
use chipledger_schemas::time::Time;

mod accounts;
mod clocks;
mod containment;
mod draft;
pub mod memory;
mod movements;
mod names;
mod overlay;
mod page;
mod shipments;

pub(crate) use accounts::Side;
pub(crate) use clocks::Cause;
pub(crate) use draft::Keep;
pub use draft::{Change, Changes, Draft, ItemChange, Posting, Way, WayChange};
pub(crate) use movements::{Effective, NewItem, parent_of};
pub use page::Page;
pub(crate) use shipments::{RootsDelta, counted};

/// Items that share a row of the store and a subtree of the commitment.
pub const PAGE_ITEMS: u64 = ITEM_PAGE as u64;

/// The state cannot be read. Stop the program; recover as the message of the cause says.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the state: {reason}")]
pub struct StateError {
    /// What the store says.
    pub reason: String,
}

/// Committed state.
pub trait State {
    /// How many item numbers are taken.
    fn item_count(&self) -> u64;
    /// The items of a page, by page number.
    fn page(&self, page: u64) -> Result<Page, StateError>;
    /// Several pages, ascending by number.
    fn pages(&self, pages: &[u64]) -> Result<Vec<Page>, StateError> {
        pages.iter().map(|page| self.page(*page)).collect()
    }
    /// An entry.
    fn entry(&self, key: &Key) -> Result<Option<Arc<Entry>>, StateError>;
    /// Every entry of a kind, in order of the keys' canonical bytes.
    fn entries(&self, kind: EntryKind) -> Result<Vec<(Key, Arc<Entry>)>, StateError>;
    /// Every account that concerns a site.
    fn accounts_at(&self, site: &SiteId) -> Result<Vec<Account>, StateError>;
    /// Whether a transaction is among those that [`chipledger_proof::state::Seen`] entries list.
    /// May say yes of one whose window has ended, and whose entry is gone: ask for others only.
    fn has_seen(&self, id: &TransactionId) -> Result<bool, StateError>;
    /// Heights whose transactions' windows have all ended at or before `time`, by (end, height), at
    /// most `limit`.
    fn ended_windows(&self, time: Time, limit: usize) -> Result<Vec<(Time, Height)>, StateError>;
}

/// The page of an item and its place in it.
pub fn page_of(number: ItemNumber) -> (u64, usize) {
    (
        number.0 / PAGE_ITEMS,
        usize::try_from(number.0 % PAGE_ITEMS).unwrap_or(0),
    )
}
