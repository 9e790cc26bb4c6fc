//! The draft of a block: committed state below, what the block changed so far, and what the
//! transaction under execution changed; the last is dropped whole when a record is rejected.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chipledger_proof::state::{
    Account, Entry, EntryKind, Item, Key, ModelNumber, Shipment, Stored,
};
use chipledger_schemas::ids::{DocumentId, Height, ItemNumber, MemberId, RecordId, SiteId};
use chipledger_schemas::movement::Facts;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::accounts::Journal;
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
    /// Chips.
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
    block: Changes,
    tx: Changes,
    pages: RefCell<BTreeMap<u64, Arc<Page>>>,
    read: RefCell<BTreeMap<Key, Option<Arc<Entry>>>>,
    kinds: RefCell<BTreeMap<EntryKind, Arc<Vec<(Key, Arc<Entry>)>>>>,
    journal: Journal,
    pub(crate) at: Position,
}

impl<'s, S: State> Draft<'s, S> {
    /// A draft of the block at `height` and `time`.
    pub fn new(state: &'s S, height: Height, time: Time) -> Self {
        let item_count = state.item_count();
        let changes = || Changes {
            item_count,
            ..Changes::default()
        };
        Self {
            state,
            block: changes(),
            tx: changes(),
            pages: RefCell::default(),
            read: RefCell::default(),
            kinds: RefCell::default(),
            journal: Journal::default(),
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
        let item_count = self.tx.item_count;
        let tx = std::mem::replace(
            &mut self.tx,
            Changes {
                item_count,
                ..Changes::default()
            },
        );
        self.block.item_count = item_count;
        self.block.entries.extend(tx.entries);
        self.block.items.extend(tx.items);
        self.block.item_changes.extend(tx.item_changes);
        self.block.postings.extend(tx.postings);
        self.block.ways.extend(tx.ways);
    }

    /// Drops what the transaction changed.
    pub(crate) fn drop_transaction(&mut self) {
        let item_count = self.block.item_count;
        if self.tx.entries.keys().any(|key| is_cached(key.kind())) {
            self.kinds.borrow_mut().clear();
        }
        self.tx = Changes {
            item_count,
            ..Changes::default()
        };
        self.journal = Journal::default();
    }

    pub(crate) fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Everything that the block changed.
    pub(crate) fn into_changes(mut self) -> Changes {
        self.keep();
        self.block
    }

    /// Items that the block changed so far, in order.
    pub(crate) fn changed_items(&self) -> &BTreeMap<ItemNumber, Arc<Item>> {
        &self.block.items
    }

    /// A page as committed, for what the block did not touch of it.
    pub(crate) fn committed_page(&self, page: u64) -> Result<Arc<Page>, StateError> {
        if let Some(cached) = self.pages.borrow().get(&page) {
            return Ok(Arc::clone(cached));
        }
        let read = if page * PAGE_ITEMS < self.state.item_count() {
            self.state.page(page)?
        } else {
            Page::default()
        };
        let read = Arc::new(read);
        self.pages.borrow_mut().insert(page, Arc::clone(&read));
        Ok(read)
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
        if let Some(item) = self
            .tx
            .items
            .get(&number)
            .or_else(|| self.block.items.get(&number))
        {
            return Ok(look(item));
        }
        let (page, place) = page_of(number);
        let items = self.committed_page(page)?;
        match items.items.get(place).and_then(Option::as_deref) {
            Some(item) => Ok(look(item)),
            None => Err(StateError {
                reason: format!("item {} is not in its page", number.0),
            }
            .into()),
        }
    }

    pub(crate) fn put_item(&mut self, number: ItemNumber, item: Item) {
        self.tx.items.insert(number, Arc::new(item));
    }

    /// Takes the next item numbers.
    pub(crate) fn take_numbers(&mut self, count: u64) -> ItemNumber {
        let first = self.tx.item_count;
        self.tx.item_count += count;
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
        if let Some(entry) = self
            .tx
            .entries
            .get(key)
            .or_else(|| self.block.entries.get(key))
        {
            return Ok(entry.clone());
        }
        if let Some(entry) = self.read.borrow().get(key) {
            return Ok(entry.clone());
        }
        let entry = self.state.entry(key)?;
        self.read.borrow_mut().insert(key.clone(), entry.clone());
        Ok(entry)
    }

    pub(crate) fn put(&mut self, key: Key, value: impl Into<Entry>) {
        if is_cached(key.kind()) {
            self.kinds.borrow_mut().remove(&key.kind());
        }
        self.tx.entries.insert(key, Some(Arc::new(value.into())));
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.tx.entries.insert(key, None);
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
        for (key, entry) in self.block.entries.iter().chain(&self.tx.entries) {
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
        for key in self.block.entries.keys().chain(self.tx.entries.keys()) {
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
        self.tx.item_changes.push(ItemChange {
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
        self.tx.ways.push(WayChange {
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
        self.tx.postings.push(posting);
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
