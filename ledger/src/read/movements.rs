//! What happened to items: one row per record and 64 item numbers, so that a run costs few rows.

use std::collections::BTreeMap;

use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::{Height, ItemNumber};
use chipledger_schemas::movement::Facts;
use chipledger_schemas::time::Time;
use rocksdb::{ColumnFamily, WriteBatch};
use serde::{Deserialize, Serialize};

use super::{Moment, Spot};
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
    let same_record =
        |a: &ItemChange, b: &ItemChange| (a.transaction, a.record) == (b.transaction, b.record);
    for record in changes.chunk_by(same_record) {
        let spot = Spot {
            height,
            transaction: record[0].transaction,
            record: record[0].record,
        };
        let mut order: Vec<&ItemChange> = record.iter().collect();
        // A stable sort: what one record did to one item stays in order.
        order.sort_by_key(|change| change.item.0 / ROW_ITEMS);
        for row in order.chunk_by(|a, b| a.item.0 / ROW_ITEMS == b.item.0 / ROW_ITEMS) {
            let key = row_key(row[0].item, &spot);
            batch.put_cf(column, key, encode(&fragments(row)));
        }
    }
}

fn row_key(item: ItemNumber, spot: &Spot) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&(item.0 / ROW_ITEMS).to_be_bytes());
    key[8..].copy_from_slice(&spot.bytes());
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
                let spot = key
                    .get(8..)
                    .and_then(Spot::from_bytes)
                    .ok_or_else(damaged)?;
                if spot.height > known {
                    return Ok(false);
                }
                let fragments: Vec<Fragment> = decode_stored(row).map_err(|_| damaged())?;
                let names =
                    |f: &Fragment| f.first <= place && place < f.first.saturating_add(f.count);
                for fragment in fragments.into_iter().filter(names) {
                    let change = match fragment.stored {
                        Stored::Moved(facts) => Change::Moved(facts),
                        Stored::Undone(facts) => Change::Undone(facts),
                        Stored::Noted => Change::Noted,
                    };
                    events.push(ItemEvent {
                        spot,
                        occurred_at: fragment.occurred_at,
                        change,
                    });
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
        let mut stacks: BTreeMap<u8, Vec<(Facts, Time)>> = BTreeMap::new();
        self.scan(columns::MOVEMENTS, &group.to_be_bytes(), |key, row| {
            let spot = key
                .get(8..)
                .and_then(Spot::from_bytes)
                .ok_or_else(damaged)?;
            if spot.height > at {
                return Ok(false);
            }
            rows.push(key.to_vec());
            let fragments: Vec<Fragment> = decode_stored(row).map_err(|_| damaged())?;
            for fragment in fragments {
                for place in fragment.first..fragment.first.saturating_add(fragment.count) {
                    let stack = stacks.entry(place).or_default();
                    stack_up(stack, &fragment);
                }
            }
            Ok(true)
        })?;
        let stood = |(place, stack): (u8, Vec<(Facts, Time)>)| {
            let (facts, since) = stack.into_iter().next_back()?;
            let number = ItemNumber(group * ROW_ITEMS + u64::from(place));
            Some(super::base::stood(number, since, facts))
        };
        Ok(Stood {
            rows,
            changes: stacks.into_iter().filter_map(stood).collect(),
        })
    }
}

/// One change of one item, as [`standing`] counts it.
fn stack_up(stack: &mut Vec<(Facts, Time)>, fragment: &Fragment) {
    match &fragment.stored {
        Stored::Moved(facts) => stack.push((facts.clone(), fragment.occurred_at)),
        Stored::Undone(facts) => {
            stack.pop();
            if stack.is_empty() {
                stack.push((facts.clone(), fragment.occurred_at));
            }
        }
        Stored::Noted => {}
    }
}

/// The facts that stand at a moment: movements stack up, a correction takes the latest one off, and
/// of what stands the last that had happened counts.
fn standing(events: Vec<ItemEvent>, moment: Moment) -> Option<(Facts, ItemEvent)> {
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
        .into_iter()
        .rev()
        .find(|(_, event)| moment.includes(event.occurred_at))
}
