//! State in memory: the model that the store is tested against, and the ground that rules are
//! tested on.

use std::collections::BTreeMap;
use std::sync::Arc;

use chipledger_proof::state::{Account, Entry, EntryKind, Item, Key, Seen, Stored};
use chipledger_schemas::ids::{Height, ItemNumber, SiteId, TransactionId};
use chipledger_schemas::time::Time;

use super::{Changes, PAGE_ITEMS, Page, State, StateError};

/// Committed state in ordinary maps: obviously right, and slow.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
pub struct MemoryState {
    /// Items by number.
    pub items: BTreeMap<ItemNumber, Item>,
    /// Entries by the canonical bytes of their keys.
    pub entries: BTreeMap<Vec<u8>, (Key, Arc<Entry>)>,
    /// Item numbers taken.
    pub item_count: u64,
}

impl MemoryState {
    /// Applies what a block changed.
    pub fn apply(&mut self, changes: &Changes) {
        self.item_count = changes.item_count;
        self.items.extend(
            changes
                .items
                .iter()
                .map(|(number, item)| (*number, Item::clone(item))),
        );
        for (key, entry) in &changes.entries {
            match entry {
                Some(entry) => {
                    self.entries
                        .insert(key.bytes(), (key.clone(), Arc::clone(entry)));
                }
                None => {
                    self.entries.remove(&key.bytes());
                }
            }
        }
    }
}

impl State for MemoryState {
    fn item_count(&self) -> u64 {
        self.item_count
    }

    fn page(&self, page: u64) -> Result<Page, StateError> {
        let numbers = page * PAGE_ITEMS..(page + 1) * PAGE_ITEMS;
        let item = |number| self.items.get(&ItemNumber(number)).cloned().map(Arc::new);
        Ok(Page::of(&numbers.map(item).collect::<Vec<_>>()))
    }

    fn entry(&self, key: &Key) -> Result<Option<Arc<Entry>>, StateError> {
        Ok(self
            .entries
            .get(&key.bytes())
            .map(|(_, entry)| Arc::clone(entry)))
    }

    fn entries(&self, kind: EntryKind) -> Result<Vec<(Key, Arc<Entry>)>, StateError> {
        Ok(self
            .entries
            .values()
            .filter(|(key, _)| key.kind() == kind)
            .cloned()
            .collect())
    }

    fn accounts_at(&self, site: &SiteId) -> Result<Vec<Account>, StateError> {
        let account = |(key, _): &(Key, Arc<Entry>)| match key {
            Key::Account(account) if account.place.concerns(site) => Some(account.clone()),
            _ => None,
        };
        Ok(self.entries.values().filter_map(account).collect())
    }

    fn has_seen(&self, id: &TransactionId) -> Result<bool, StateError> {
        let mut seen = self.entries.values().filter_map(|(_, e)| Seen::of(e));
        Ok(seen.any(|seen| seen.ids.contains(id)))
    }

    fn ended_windows(&self, time: Time, limit: usize) -> Result<Vec<(Time, Height)>, StateError> {
        let ended = |(key, entry): &(Key, Arc<Entry>)| match (key, Seen::of(entry)) {
            (Key::Transactions(height), Some(seen)) if seen.until <= time => {
                Some((seen.until, *height))
            }
            _ => None,
        };
        let mut windows: Vec<_> = self.entries.values().filter_map(ended).collect();
        windows.sort_unstable();
        windows.truncate(limit);
        Ok(windows)
    }
}
