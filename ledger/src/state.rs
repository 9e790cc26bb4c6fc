//! What is true at a height: read access for `execute`, and the draft of what a block changes.
//!
//! **Invariant:** `execute` reads nothing but what [`State`] offers, and everything that it offers
//! is committed by the state root (scans are over committed entries in canonical order).

use std::sync::Arc;

use chipledger_proof::ITEM_PAGE;
use chipledger_proof::state::{Account, Entry, EntryKind, Item, Key};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{ItemNumber, SiteId, TransactionId};
use chipledger_schemas::time::Time;

mod accounts;
mod clocks;
mod containment;
mod draft;
pub mod memory;
mod movements;
mod names;
mod shipments;

pub(crate) use accounts::Side;
pub(crate) use clocks::Cause;
pub(crate) use draft::Keep;
pub use draft::{Change, Changes, Draft, ItemChange, Posting, Way, WayChange};
pub(crate) use movements::{Effective, NewItem, parent_of};

/// Items that share a row of the store and a subtree of the commitment.
pub const PAGE_ITEMS: u64 = ITEM_PAGE as u64;

/// Eight consecutive item numbers: the items that exist, and the digests that their leaves have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The items, by place; shorter at the end of the numbers.
    pub items: Vec<Option<Arc<Item>>>,
    /// Their digests; zero where there is no item.
    pub digests: [Hash; ITEM_PAGE],
}

impl Page {
    /// A page of items, digests computed.
    pub fn of(items: Vec<Option<Arc<Item>>>) -> Self {
        let mut digests = [Hash::ZERO; ITEM_PAGE];
        for (digest, item) in digests.iter_mut().zip(&items) {
            *digest = item.as_ref().map_or(Hash::ZERO, |item| item.digest());
        }
        Self { items, digests }
    }

    /// Puts an item in its place.
    pub fn put(&mut self, place: usize, item: Arc<Item>) {
        if self.items.len() <= place {
            self.items.resize(place + 1, None);
        }
        self.digests[place] = item.digest();
        self.items[place] = Some(item);
    }
}

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
    /// An entry.
    fn entry(&self, key: &Key) -> Result<Option<Arc<Entry>>, StateError>;
    /// Every entry of a kind, in order of the keys' canonical bytes.
    fn entries(&self, kind: EntryKind) -> Result<Vec<(Key, Arc<Entry>)>, StateError>;
    /// Every account that concerns a site.
    fn accounts_at(&self, site: &SiteId) -> Result<Vec<Account>, StateError>;
    /// Transactions whose window ended at or before `time`, by (end, id), at most `limit`.
    fn ended_windows(
        &self,
        time: Time,
        limit: usize,
    ) -> Result<Vec<(Time, TransactionId)>, StateError>;
}

/// The page of an item and its place in it.
pub fn page_of(number: ItemNumber) -> (u64, usize) {
    (
        number.0 / PAGE_ITEMS,
        usize::try_from(number.0 % PAGE_ITEMS).unwrap_or(0),
    )
}
