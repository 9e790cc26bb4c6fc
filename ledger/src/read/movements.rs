//! What happened to items: one row per block and 64 item numbers, so that neither a run nor many
//! records that name neighbours cost many rows.

use std::collections::BTreeMap;
use std::rc::Rc;

use chipledger_proof::state::LastMovement;
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemNumber, RecordId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::movement::{Facts, Movement};
use chipledger_schemas::time::Time;
use rocksdb::{ColumnFamily, WriteBatch};
use serde::{Deserialize, Serialize};

use super::{Moment, QueryError, Spot};
use crate::state::{Change, ItemChange, StateError};
use crate::store::{View, columns};

/// Item numbers that share rows.
pub(crate) const ROW_ITEMS: u64 = 64;

/// What happened, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Stored {
    Moved(Facts),
    Undone(Facts),
    Noted,
}

/// What one record of the block did to items of the row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Told {
    transaction: u32,
    record: u32,
    fragments: Vec<Fragment>,
}

/// Consecutive items of a row to which the same happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Fragment {
    first: u8,
    count: u8,
    occurred_at: Time,
    stored: Stored,
}

/// One record that named an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemEvent {
    /// Where the record stands.
    pub spot: Spot,
    /// Event time.
    pub occurred_at: Time,
    /// What happened.
    pub change: Change,
}

pub(super) fn put(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    changes: &[ItemChange],
) {
    let row_of = |change: &ItemChange| change.item.0 / ROW_ITEMS;
    let record_of = |change: &ItemChange| (change.transaction, change.record);
    let mut order: Vec<&ItemChange> = changes.iter().collect();
    // A stable sort: what happened to one item stays in order.
    order.sort_by_key(|change| row_of(change));
    for row in order.chunk_by(|a, b| row_of(a) == row_of(b)) {
        let told = |record: &[&ItemChange]| Told {
            transaction: record[0].transaction,
            record: record[0].record,
            fragments: fragments(record),
        };
        let records = row.chunk_by(|a, b| record_of(a) == record_of(b));
        let records: Vec<Told> = records.map(told).collect();
        let key = row_key(row_of(row[0]), height);
        batch.put_cf(column, key, encode(&records));
    }
}

fn row_key(row: u64, height: Height) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&row.to_be_bytes());
    key[8..].copy_from_slice(&height.0.to_be_bytes());
    key
}

fn fragments(changes: &[&ItemChange]) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    for change in changes {
        let place = u8::try_from(change.item.0 % ROW_ITEMS).unwrap_or(0);
        let stored = match &change.change {
            Change::Moved(facts) => Stored::Moved(facts.clone()),
            Change::Undone(facts) => Stored::Undone(facts.clone()),
            Change::Noted => Stored::Noted,
        };
        if let Some(last) = fragments.last_mut()
            && last.first + last.count == place
            && last.occurred_at == change.occurred_at
            && last.stored == stored
        {
            last.count += 1;
            continue;
        }
        let occurred_at = change.occurred_at;
        fragments.push(Fragment {
            first: place,
            count: 1,
            occurred_at,
            stored,
        });
    }
    fragments
}

impl Fragment {
    fn names(&self, place: u8) -> bool {
        self.first <= place && place < self.first.saturating_add(self.count)
    }

    fn event(self, spot: Spot) -> ItemEvent {
        let change = match self.stored {
            Stored::Moved(facts) => Change::Moved(facts),
            Stored::Undone(facts) => Change::Undone(facts),
            Stored::Noted => Change::Noted,
        };
        ItemEvent {
            spot,
            occurred_at: self.occurred_at,
            change,
        }
    }
}

impl View<'_> {
    /// Every record that named an item, oldest first, up to a height.
    pub fn item_events(
        &self,
        item: ItemNumber,
        known: Height,
    ) -> Result<Vec<ItemEvent>, StateError> {
        let damaged = || StateError {
            reason: "a row of movements is damaged".to_owned(),
        };
        let place = u8::try_from(item.0 % ROW_ITEMS).unwrap_or(0);
        let mut events = Vec::new();
        self.scan(
            columns::MOVEMENTS,
            &(item.0 / ROW_ITEMS).to_be_bytes(),
            |key, row| {
                let height = key.get(8..).and_then(|height| height.try_into().ok());
                let height = Height(u64::from_be_bytes(height.ok_or_else(damaged)?));
                if height > known {
                    return Ok(false);
                }
                let records: Vec<Told> = decode_stored(row).map_err(|_| damaged())?;
                for told in records {
                    let spot = Spot {
                        height,
                        transaction: told.transaction,
                        record: told.record,
                    };
                    let mine = told.fragments.into_iter().filter(|f| f.names(place));
                    events.extend(mine.map(|fragment| fragment.event(spot)));
                }
                Ok(true)
            },
        )?;
        Ok(events)
    }

    /// An item's facts at a moment, with the record that made them so; `None` before it existed.
    pub fn facts_at(
        &self,
        item: ItemNumber,
        moment: Moment,
    ) -> Result<Option<(Facts, ItemEvent)>, StateError> {
        Ok(standing(self.item_events(item, moment.known)?, moment))
    }
}

impl View<'_> {
    /// The movements that a correction of items must carry, in order: of each item whose latest one
    /// was undone, so that its leaf holds no more than the digest of the one before. An item that
    /// is not registered, or has none left, carries nothing; the rules say what that means.
    ///
    /// # Errors
    /// When the movement lies before the first block held.
    pub fn carried(&self, items: &ItemSet) -> Result<Vec<Movement>, QueryError> {
        let mut carried = Vec::new();
        let mut records = BTreeMap::new();
        for id in items.ids() {
            let number = match self.item_number(&id) {
                Err(QueryError::ItemUnknown { .. }) => continue,
                number => number?,
            };
            if let LastMovement::Below { digest, .. } = self.leaf(number)?.movement
                && digest != Hash::ZERO
            {
                let found = self.movement(number, &mut records)?;
                carried.extend(found.filter(|movement| movement.digest() == digest));
            }
        }
        Ok(carried)
    }

    /// The latest movement of an item that stands. Ids of records that were looked up are kept:
    /// items named together were mostly moved together, and a block is read for each.
    fn movement(
        &self,
        item: ItemNumber,
        records: &mut BTreeMap<Spot, RecordId>,
    ) -> Result<Option<Movement>, QueryError> {
        let mut stack: Vec<(Facts, Movement)> = Vec::new();
        for event in self.item_events(item, Height(u64::MAX))? {
            match event.change {
                Change::Moved(facts) => {
                    let record = match records.get(&event.spot) {
                        Some(record) => *record,
                        None => self.record_at(event.spot)?.1,
                    };
                    records.insert(event.spot, record);
                    let last = stack.last();
                    let movement = Movement {
                        record,
                        occurred_at: event.occurred_at,
                        before: last.map(|(facts, _)| facts.clone()),
                        previous_at: last.map_or(Time::default(), |(_, last)| last.occurred_at),
                        below: last.map_or(Hash::ZERO, |(_, last)| last.digest()),
                    };
                    stack.push((facts, movement));
                }
                Change::Undone(_) => {
                    stack.pop();
                }
                Change::Noted => {}
            }
        }
        Ok(stack.pop().map(|(_, movement)| movement))
    }
}

impl View<'_> {
    /// Visits every item that a record had named by a height, by number, with those records, oldest
    /// first. One pass over the rows: for questions that are about very many items.
    pub fn every_item(
        &self,
        known: Height,
        mut visit: impl FnMut(ItemNumber, Vec<ItemEvent>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let damaged = || StateError {
            reason: "a row of movements is damaged".to_owned(),
        };
        let mut group = 0;
        let mut events: BTreeMap<u8, Vec<ItemEvent>> = BTreeMap::new();
        let mut failed = None;
        let mut flush = |group: u64, events: &mut BTreeMap<u8, Vec<ItemEvent>>| {
            for (place, events) in std::mem::take(events) {
                let number = ItemNumber(group * ROW_ITEMS + u64::from(place));
                visit(number, events)?;
            }
            Ok::<(), QueryError>(())
        };
        self.scan(columns::MOVEMENTS, &[], |key, row| {
            let (row_group, height) = key.split_first_chunk::<8>().ok_or_else(damaged)?;
            let row_group = u64::from_be_bytes(*row_group);
            let height = height.try_into().map_err(|_| damaged())?;
            let height = Height(u64::from_be_bytes(height));
            if row_group != group {
                failed = flush(group, &mut events).err();
                group = row_group;
            }
            if height > known || failed.is_some() {
                return Ok(failed.is_none());
            }
            let records: Vec<Told> = decode_stored(row).map_err(|_| damaged())?;
            for told in records {
                let spot = Spot {
                    height,
                    transaction: told.transaction,
                    record: told.record,
                };
                for fragment in told.fragments {
                    for place in fragment.first..fragment.first.saturating_add(fragment.count) {
                        let event = fragment.clone().event(spot);
                        events.entry(place).or_default().push(event);
                    }
                }
            }
            Ok(true)
        })?;
        match failed {
            Some(error) => Err(error),
            None => flush(group, &mut events),
        }
    }
}

/// What stood of items that share rows.
pub(crate) struct Stood {
    /// Keys of the rows that say so.
    pub rows: Vec<Vec<u8>>,
    /// Each item where its last movement had put it.
    pub changes: Vec<ItemChange>,
}

impl View<'_> {
    /// What stood at a height of the items that share a row, and the rows up to that height.
    pub(crate) fn stood_in_group(&self, group: u64, at: Height) -> Result<Stood, StateError> {
        let damaged = || StateError {
            reason: "a row of movements is damaged".to_owned(),
        };
        let mut rows = Vec::new();
        let mut stacks = Stacks::default();
        self.scan(columns::MOVEMENTS, &group.to_be_bytes(), |key, row| {
            let (_, height) = row_of_key(key).ok_or_else(damaged)?;
            if height > at {
                return Ok(false);
            }
            rows.push(key.to_vec());
            stack_up(&mut stacks, decode_stored(row).map_err(|_| damaged())?);
            Ok(true)
        })?;
        let stood = |(place, stack): (u8, Vec<(Rc<Facts>, Time)>)| {
            let (facts, since) = stack.into_iter().next_back()?;
            let number = ItemNumber(group * ROW_ITEMS + u64::from(place));
            Some(super::base::stood(
                number,
                since,
                Rc::unwrap_or_clone(facts),
            ))
        };
        Ok(Stood {
            rows,
            changes: stacks.into_iter().filter_map(stood).collect(),
        })
    }
}

/// What stands of the items that share a row, oldest first.
type Stacks = BTreeMap<u8, Vec<(Rc<Facts>, Time)>>;

/// What a row tells of its items, as [`standing`] counts it.
fn stack_up(stacks: &mut Stacks, row: Vec<Told>) {
    for fragment in row.into_iter().flat_map(|told| told.fragments) {
        let (undone, facts) = match fragment.stored {
            Stored::Moved(facts) => (false, Rc::new(facts)),
            Stored::Undone(facts) => (true, Rc::new(facts)),
            Stored::Noted => continue,
        };
        for place in fragment.first..fragment.first.saturating_add(fragment.count) {
            let stack = stacks.entry(place).or_default();
            if undone {
                stack.pop();
            }
            if !undone || stack.is_empty() {
                stack.push((Rc::clone(&facts), fragment.occurred_at));
            }
        }
    }
}

/// The row of items and the height that a key names.
fn row_of_key(key: &[u8]) -> Option<(u64, Height)> {
    let (row, height) = key.split_first_chunk::<8>()?;
    let height = u64::from_be_bytes(height.try_into().ok()?);
    Some((u64::from_be_bytes(*row), Height(height)))
}

impl View<'_> {
    /// Visits the facts of every item at a moment, by number. All rows are read: about a second
    /// for a million chips.
    pub(crate) fn facts_of_all_at(
        &self,
        moment: Moment,
        mut visit: impl FnMut(&Facts),
    ) -> Result<(), StateError> {
        let damaged = || StateError {
            reason: "a row of movements is damaged".to_owned(),
        };
        let mut stacks = Stacks::default();
        let mut told = |stacks: &mut Stacks| {
            for stack in std::mem::take(stacks).into_values() {
                let stood = stack.iter().rev().find(|(_, at)| moment.includes(*at));
                if let Some((facts, _)) = stood {
                    visit(facts);
                }
            }
        };
        let mut group = 0;
        self.scan(columns::MOVEMENTS, &[], |key, row| {
            let (row_group, height) = row_of_key(key).ok_or_else(damaged)?;
            if row_group != group {
                told(&mut stacks);
                group = row_group;
            }
            if height <= moment.known {
                stack_up(&mut stacks, decode_stored(row).map_err(|_| damaged())?);
            }
            Ok(true)
        })?;
        told(&mut stacks);
        Ok(())
    }
}

/// The facts that stand at a moment: of what stands the last that had happened counts.
fn standing(events: Vec<ItemEvent>, moment: Moment) -> Option<(Facts, ItemEvent)> {
    stack(events)
        .into_iter()
        .rev()
        .find(|(_, event)| moment.includes(event.occurred_at))
}

/// What stands of the records that named an item, oldest first: movements stack up, a correction
/// takes the latest one off.
pub fn stack(events: Vec<ItemEvent>) -> Vec<(Facts, ItemEvent)> {
    let mut stack: Vec<(Facts, ItemEvent)> = Vec::new();
    for event in events {
        match &event.change {
            Change::Moved(facts) => stack.push((facts.clone(), event)),
            Change::Undone(facts) => {
                stack.pop();
                // A registration that is undone leaves nothing to return to: the item is void.
                if stack.is_empty() {
                    stack.push((facts.clone(), event));
                }
            }
            Change::Noted => {}
        }
    }
    stack
}
