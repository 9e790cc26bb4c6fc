//! The ways of shipments: where each was to go, by what was known when, and what had happened by
//! then.

use std::collections::BTreeMap;

use chipledger_proof::state::Key;
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::{DocumentId, Height};
use chipledger_schemas::time::Time;
use rocksdb::{ColumnFamily, WriteBatch};
use serde::{Deserialize, Serialize};

use super::{Moment, QueryError, Spot};
use crate::state::{StateError, Way, WayChange};
use crate::store::{View, columns};

/// What a record did to the way of a shipment, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct WayRow {
    pub occurred_at: Time,
    /// Whether its latest way is undone; `way` is the one before.
    pub undone: bool,
    pub way: Way,
}

pub(super) fn put(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    changes: &[WayChange],
) {
    let mut rows: BTreeMap<(&DocumentId, Spot), Vec<WayRow>> = BTreeMap::new();
    for change in changes {
        let spot = Spot {
            height,
            transaction: change.transaction,
            record: change.record,
        };
        let row = WayRow {
            occurred_at: change.occurred_at,
            undone: change.undone,
            way: change.way.clone(),
        };
        rows.entry((&change.shipment, spot)).or_default().push(row);
    }
    for ((shipment, spot), row) in rows {
        put_row(batch, column, shipment, spot, &row);
    }
}

pub(super) fn put_row(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    shipment: &DocumentId,
    spot: Spot,
    row: &[WayRow],
) {
    let mut key = Key::Shipment(shipment.clone()).bytes();
    key.extend_from_slice(&spot.bytes());
    batch.put_cf(column, key, encode(&row));
}

impl View<'_> {
    /// The way that a shipment was on at a moment, by records up to `until` if one is named; before
    /// its departure the way that it began with.
    pub(super) fn way(
        &self,
        shipment: &DocumentId,
        moment: Moment,
        until: Option<Spot>,
    ) -> Result<Option<Way>, QueryError> {
        let damaged = || StateError {
            reason: "a row of versions is damaged".to_owned(),
        };
        let prefix = Key::Shipment(shipment.clone()).bytes();
        let mut stack: Vec<(Time, Way)> = Vec::new();
        self.scan(columns::VERSIONS, &prefix, |key, row| {
            let spot = key.get(prefix.len()..).and_then(Spot::from_bytes);
            let spot = spot.ok_or_else(damaged)?;
            if spot.height > moment.known || until.is_some_and(|until| spot > until) {
                return Ok(false);
            }
            let rows: Vec<WayRow> = decode_stored(row).map_err(|_| damaged())?;
            for row in rows {
                if row.undone {
                    stack.pop();
                }
                // What an undone redirect returns to may lie before the first block held.
                if !row.undone || stack.is_empty() {
                    stack.push((row.occurred_at, row.way));
                }
            }
            Ok(true)
        })?;
        let first = stack.first().map(|(_, way)| way.clone());
        let found = stack.into_iter().rev().find(|(at, _)| moment.includes(*at));
        Ok(found.map(|(_, way)| way).or(first))
    }
}

/// One row in place of a shipment's rows up to a height: the way that it was on. The rows, by key,
/// are all those that the column has of one shipment, ascending.
pub(crate) fn stood(
    rows: &[(Spot, Vec<u8>)],
    at: Height,
) -> Result<Option<(Spot, Vec<u8>)>, StateError> {
    let damaged = |_| StateError {
        reason: "a row of versions is damaged".to_owned(),
    };
    let mut stack: Vec<(Time, Way)> = Vec::new();
    for (_, row) in rows.iter().filter(|(spot, _)| spot.height <= at) {
        let rows: Vec<WayRow> = decode_stored(row).map_err(damaged)?;
        for row in rows {
            if row.undone {
                stack.pop();
            }
            if !row.undone || stack.is_empty() {
                stack.push((row.occurred_at, row.way));
            }
        }
    }
    Ok(stack.pop().map(|(occurred_at, way)| {
        let row = WayRow {
            occurred_at,
            undone: false,
            way,
        };
        (Spot::base(at, 0), encode(&[row].as_slice()))
    }))
}
