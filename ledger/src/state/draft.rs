//! The draft of a block: committed state below, and over it what the block changed so far. What the
//! transaction under execution changed is taken back whole when a record is rejected.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chipledger_proof::state::{
    Account, Entry, EntryKind, Item, Key, ModelNumber, Seen, Shipment, Stored,
};
use chipledger_schemas::ids::{
    DocumentId, Height, ItemNumber, MemberId, RecordId, SiteId, TransactionId,
};
use chipledger_schemas::movement::Facts;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::accounts::Journal;
use super::overlay::Overlay;
use super::{PAGE_ITEMS, Page, State, StateError, page_of};
use crate::rejection::Fault;

/// What a record did to one item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It moved; these are its facts now.
    Moved(Facts),
    /// Its latest movement was undone; these are its facts again.
    Undone(Facts),
    /// It was named, nothing else.
    Noted,
}

/// One item named by one record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemChange {
    /// The item.
    pub item: ItemNumber,
    /// Transaction in the block, from 0.
    pub transaction: u32,
    /// Record in the transaction, from 0.
    pub record: u32,
    /// Event time.
    pub occurred_at: Time,
    /// What happened.
    pub change: Change,
}

/// Chips of one model that left one account and entered another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posting {
    /// Transaction in the block, from 0.
    pub transaction: u32,
    /// Record in the transaction, from 0.
    pub record: u32,
    /// Event time.
    pub occurred_at: Time,
    /// The model.
    pub model: ModelNumber,
    /// Chips; none if chips stay where they are, and are disputed from here on (credited), or no
    /// longer (debited).
    pub count: u64,
    /// Of which disputed.
    pub disputed: u64,
    /// Debited; absent when chips are registered.
    pub from: Option<Account>,
    /// Credited; absent when chips end.
    pub to: Option<Account>,
}

/// Where a shipment goes, from a record on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Way {
    /// Where it left.
    pub from_site: SiteId,
    /// Where it goes.
    pub to_site: SiteId,
    /// Named receiver.
    pub to: MemberId,
    /// Expected arrival.
    pub expected_at: Time,
}

impl From<&Shipment> for Way {
    fn from(shipment: &Shipment) -> Self {
        Self {
            from_site: shipment.from_site.clone(),
            to_site: shipment.to_site.clone(),
            to: shipment.to.clone(),
            expected_at: shipment.expected_at,
        }
    }
}

/// A shipment that got a way, or has the one before again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WayChange {
    /// Transaction in the block, from 0.
    pub transaction: u32,
    /// Record in the transaction, from 0.
    pub record: u32,
    /// Event time.
    pub occurred_at: Time,
    /// The shipment.
    pub shipment: DocumentId,
    /// Whether its latest way is undone.
    pub undone: bool,
    /// Its way now.
    pub way: Way,
}

/// Changes, not yet committed.
#[derive(Default, Debug)]
pub struct Changes {
    /// Entries by key; absent means removed.
    pub entries: BTreeMap<Key, Option<Arc<Entry>>>,
    /// Items by number.
    pub items: BTreeMap<ItemNumber, Arc<Item>>,
    /// Item numbers taken afterwards.
    pub item_count: u64,
    /// What happened to items, in order.
    pub item_changes: Vec<ItemChange>,
    /// Postings, in order.
    pub postings: Vec<Posting>,
    /// Ways of shipments, in order.
    pub ways: Vec<WayChange>,
}

/// Where in the block execution stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// Height of the block.
    pub height: Height,
    /// Block time.
    pub time: Time,
    /// Transaction in the block.
    pub transaction: u32,
    /// Record in the transaction.
    pub record: u32,
    /// The record's id.
    pub id: RecordId,
}

/// A block under execution.
pub struct Draft<'s, S: State> {
    state: &'s S,
    items: RefCell<Overlay<ItemNumber, Arc<Item>>>,
    entries: RefCell<Overlay<Key, Option<Arc<Entry>>>>,
    /// Item numbers taken in committed state.
    committed: u64,
    item_count: u64,
    item_changes: Vec<ItemChange>,
    postings: Vec<Posting>,
    ways: Vec<WayChange>,
    /// Transactions of the block with the ends of their windows, in order.
    seen: Vec<(TransactionId, Time)>,
    /// The same, to be found.
    seen_ids: BTreeSet<TransactionId>,
    /// What was there before the transaction under execution.
    kept: Kept,
    pages: RefCell<BTreeMap<u64, Arc<Page>>>,
    kinds: RefCell<BTreeMap<EntryKind, Arc<Vec<(Key, Arc<Entry>)>>>>,
    journal: Journal,
    /// A transaction that a replica which tests broke has forgotten.
    pub(crate) forgotten: Option<TransactionId>,
    pub(crate) at: Position,
}

/// How much of the lists of a draft belongs to transactions that are kept.
#[derive(Clone, Copy, Default, Debug)]
struct Kept {
    item_count: u64,
    item_changes: usize,
    postings: usize,
    ways: usize,
    seen: usize,
}

impl<'s, S: State> Draft<'s, S> {
    /// A draft of the block at `height` and `time`.
    pub fn new(state: &'s S, height: Height, time: Time) -> Self {
        let item_count = state.item_count();
        Self {
            state,
            items: RefCell::default(),
            entries: RefCell::default(),
            committed: item_count,
            item_count,
            item_changes: Vec::new(),
            postings: Vec::new(),
            ways: Vec::new(),
            seen: Vec::new(),
            seen_ids: BTreeSet::new(),
            kept: Kept {
                item_count,
                ..Kept::default()
            },
            pages: RefCell::default(),
            kinds: RefCell::default(),
            journal: Journal::default(),
            forgotten: None,
            at: Position {
                height,
                time,
                transaction: 0,
                record: 0,
                id: RecordId::default(),
            },
        }
    }

    /// Keeps what the transaction changed.
    pub(crate) fn keep(&mut self) {
        self.items.get_mut().keep();
        self.entries.get_mut().keep();
        self.kept = Kept {
            item_count: self.item_count,
            item_changes: self.item_changes.len(),
            postings: self.postings.len(),
            ways: self.ways.len(),
            seen: self.seen.len(),
        };
    }

    /// Takes back what the transaction changed.
    pub(crate) fn drop_transaction(&mut self) {
        let entries = self.entries.get_mut();
        if entries
            .keys_of_transaction()
            .any(|key| is_cached(key.kind()))
        {
            self.kinds.get_mut().clear();
        }
        entries.put_back();
        self.items.get_mut().put_back();
        self.item_count = self.kept.item_count;
        self.item_changes.truncate(self.kept.item_changes);
        self.postings.truncate(self.kept.postings);
        self.ways.truncate(self.kept.ways);
        for (id, _) in self.seen.drain(self.kept.seen..) {
            self.seen_ids.remove(&id);
        }
        self.journal = Journal::default();
    }

    /// Whether a transaction whose window has not ended is in this block or an earlier one.
    pub(crate) fn has_seen(&self, id: &TransactionId) -> Result<bool, StateError> {
        if self.forgotten == Some(*id) {
            return Ok(false);
        }
        Ok(self.seen_ids.contains(id) || self.state.has_seen(id)?)
    }

    /// Remembers a transaction until its window ends.
    pub(crate) fn see(&mut self, id: TransactionId, valid_until: Time) {
        self.seen.push((id, valid_until));
        self.seen_ids.insert(id);
    }

    /// Ends the block: lists its transactions.
    pub(crate) fn end(&mut self) {
        let until = self.seen.iter().map(|(_, until)| *until).max();
        if let Some(until) = until {
            let ids = self.seen.iter().map(|(id, _)| *id).collect();
            self.put(Key::Transactions(self.at.height), Seen { until, ids });
        }
        self.keep();
    }

    pub(crate) fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Everything that the block changed.
    pub(crate) fn into_changes(self) -> Changes {
        Changes {
            entries: self.entries.into_inner().into_changed(),
            items: self.items.into_inner().into_changed(),
            item_count: self.item_count,
            item_changes: self.item_changes,
            postings: self.postings,
            ways: self.ways,
        }
    }

    /// Items that the block changed so far, in order.
    pub(crate) fn changed_items(&self) -> Vec<(ItemNumber, Arc<Item>)> {
        let items = self.items.borrow();
        let changed = items.changed().into_iter();
        changed
            .map(|(number, item)| (*number, Arc::clone(item)))
            .collect()
    }

    /// A page as committed, for what the block did not touch of it.
    pub(crate) fn committed_page(&self, page: u64) -> Result<Arc<Page>, StateError> {
        if let Some(cached) = self.pages.borrow().get(&page) {
            return Ok(Arc::clone(cached));
        }
        let read = if page * PAGE_ITEMS < self.committed {
            self.state.page(page)?
        } else {
            Page::default()
        };
        let read = Arc::new(read);
        self.pages.borrow_mut().insert(page, Arc::clone(&read));
        Ok(read)
    }

    /// Reads the pages of items that are not here yet, all at once.
    pub(crate) fn prefetch(&self, numbers: &[ItemNumber]) -> Result<(), StateError> {
        let (mut pages, items) = (self.pages.borrow_mut(), self.items.borrow());
        let is_unread = |n: &&ItemNumber| n.0 < self.committed && items.get(n).is_none();
        let unread = numbers.iter().filter(is_unread);
        let mut wanted: Vec<u64> = unread.map(|number| page_of(*number).0).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|page| !pages.contains_key(page));
        let read = self.state.pages(&wanted)?;
        pages.extend(wanted.into_iter().zip(read.into_iter().map(Arc::new)));
        Ok(())
    }

    /// The state below.
    pub(crate) fn state(&self) -> &'s S {
        self.state
    }

    /// An item that exists.
    pub(crate) fn item(&self, number: ItemNumber) -> Result<Item, Fault> {
        self.with_item(number, Item::clone)
    }

    /// Looks at an item without copying it.
    pub(crate) fn with_item<T>(
        &self,
        number: ItemNumber,
        look: impl FnOnce(&Item) -> T,
    ) -> Result<T, Fault> {
        // Not borrowed while it is looked at: whoever looks may ask for another.
        let found = self.items.borrow().get(&number).map(Arc::clone);
        if let Some(item) = found {
            return Ok(look(&item));
        }
        let (page, place) = page_of(number);
        let Some(item) = self.committed_page(page)?.item(place)? else {
            return Err(StateError {
                reason: format!("item {} is not in its page", number.0),
            }
            .into());
        };
        let looked = look(&item);
        self.items.borrow_mut().read(number, Arc::new(item));
        Ok(looked)
    }

    pub(crate) fn put_item(&mut self, number: ItemNumber, item: Item) -> Arc<Item> {
        let item = Arc::new(item);
        self.items.get_mut().put(number, Arc::clone(&item));
        item
    }

    /// Takes the next item numbers.
    pub(crate) fn take_numbers(&mut self, count: u64) -> ItemNumber {
        let first = self.item_count;
        self.item_count += count;
        ItemNumber(first)
    }

    /// The value under a key.
    pub(crate) fn get<T: Stored>(&self, key: &Key) -> Result<Option<T>, Fault> {
        Ok(self.entry(key)?.and_then(|entry| T::of(&entry).cloned()))
    }

    /// Looks at a value without copying it.
    pub(crate) fn look<T: Stored, R>(
        &self,
        key: &Key,
        look: impl FnOnce(&T) -> R,
    ) -> Result<Option<R>, Fault> {
        Ok(self.entry(key)?.and_then(|entry| T::of(&entry).map(look)))
    }

    fn entry(&self, key: &Key) -> Result<Option<Arc<Entry>>, StateError> {
        if let Some(entry) = self.entries.borrow().get(key) {
            return Ok(entry.clone());
        }
        let entry = self.state.entry(key)?;
        let mut entries = self.entries.borrow_mut();
        entries.read(key.clone(), entry.clone());
        Ok(entry)
    }

    pub(crate) fn put(&mut self, key: Key, value: impl Into<Entry>) {
        if is_cached(key.kind()) {
            self.kinds.get_mut().remove(&key.kind());
        }
        let entry = Some(Arc::new(value.into()));
        self.entries.get_mut().put(key, entry);
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.entries.get_mut().put(key, None);
    }

    /// Changes the value under a key in place; removes it when `change` says so.
    pub(crate) fn update<T: Stored + Default>(
        &mut self,
        key: Key,
        change: impl FnOnce(&mut T) -> Result<Keep, Fault>,
    ) -> Result<(), Fault> {
        let mut value = self.get::<T>(&key)?.unwrap_or_default();
        match change(&mut value)? {
            Keep::Yes => self.put(key, value),
            Keep::No => self.remove(key),
        }
        Ok(())
    }

    /// Every value of a kind, in order of the keys' canonical bytes.
    pub(crate) fn all<T: Stored>(&self) -> Result<Vec<(Key, T)>, Fault> {
        let found = self.all_entries(T::KIND)?;
        let value = |(key, entry): &(Key, Arc<Entry>)| Some((key.clone(), T::of(entry)?.clone()));
        Ok(found.iter().filter_map(value).collect())
    }

    fn all_entries(&self, kind: EntryKind) -> Result<Arc<Vec<(Key, Arc<Entry>)>>, StateError> {
        if let Some(found) = self.kinds.borrow().get(&kind) {
            return Ok(Arc::clone(found));
        }
        let mut merged: BTreeMap<Vec<u8>, (Key, Arc<Entry>)> = BTreeMap::new();
        for (key, entry) in self.state.entries(kind)? {
            merged.insert(key.bytes(), (key, entry));
        }
        for (key, entry) in self.entries.borrow().changed() {
            if key.kind() == kind {
                match entry {
                    Some(entry) => merged.insert(key.bytes(), (key.clone(), Arc::clone(entry))),
                    None => merged.remove(&key.bytes()),
                };
            }
        }
        let found = Arc::new(merged.into_values().collect::<Vec<_>>());
        if is_cached(kind) {
            self.kinds.borrow_mut().insert(kind, Arc::clone(&found));
        }
        Ok(found)
    }

    /// Every account that concerns a site, committed or of this block.
    pub(crate) fn accounts_at(&self, site: &SiteId) -> Result<Vec<Account>, Fault> {
        let mut accounts = self.state.accounts_at(site)?;
        for (key, _) in self.entries.borrow().changed() {
            if let Key::Account(account) = key
                && account.place.concerns(site)
            {
                accounts.push(account.clone());
            }
        }
        accounts.sort_unstable();
        accounts.dedup();
        Ok(accounts)
    }

    /// Records what happened to an item.
    pub(crate) fn push_change(&mut self, item: ItemNumber, occurred_at: Time, change: Change) {
        let Position {
            transaction,
            record,
            ..
        } = self.at;
        self.item_changes.push(ItemChange {
            item,
            transaction,
            record,
            occurred_at,
            change,
        });
    }

    /// Puts a shipment that has another way, told to have it since `occurred_at`.
    pub(crate) fn put_way(
        &mut self,
        shipment: DocumentId,
        value: Shipment,
        occurred_at: Time,
        undone: bool,
    ) {
        self.ways.push(WayChange {
            transaction: self.at.transaction,
            record: self.at.record,
            occurred_at,
            shipment: shipment.clone(),
            undone,
            way: Way::from(&value),
        });
        self.put(Key::Shipment(shipment), value);
    }

    pub(crate) fn push_posting(&mut self, posting: Posting) {
        self.postings.push(posting);
    }
}

/// Whether a value stays after an update.
pub(crate) enum Keep {
    /// It stays.
    Yes,
    /// Nothing of it is left.
    No,
}

/// Kinds that rules scan whole, few and seldom changed.
fn is_cached(kind: EntryKind) -> bool {
    matches!(
        kind,
        EntryKind::Policy | EntryKind::Limit | EntryKind::Member
    )
}
