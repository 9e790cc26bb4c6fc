//! Where the read model begins when it does not begin at genesis: what stood at the height before
//! the first block that is held, as rows that no record wrote.

use chipledger_proof::state::{Balance, Entry, Item, Key, Shipment, Stored};
use chipledger_schemas::encode::encode;
use chipledger_schemas::ids::{Height, ItemNumber};
use chipledger_schemas::movement::Facts;
use chipledger_schemas::time::Time;
use rocksdb::{ColumnFamily, DB, WriteBatch};

use super::movements::{ROW_ITEMS, put as put_movements};
use super::postings::{PostingRow, ROW_POSTINGS, Told, put_row as put_postings};
use super::ways::WayRow;
use super::{Spot, versions, ways};
use crate::state::{Change, ItemChange, Way};
use crate::store::{column, columns};

impl Spot {
    /// Where no record stands: behind all records of a height, before those of the next.
    pub(crate) fn base(height: Height, row: u32) -> Self {
        Self {
            height,
            transaction: u32::MAX,
            record: row,
        }
    }

    /// Whether it stands for what was before the first block held.
    pub fn is_base(&self) -> bool {
        self.transaction == u32::MAX
    }
}

/// Collects what stands at a height.
pub(crate) struct Base {
    height: Height,
    accounts: u32,
    changes: Vec<ItemChange>,
    postings: Vec<PostingRow>,
    rows: u32,
}

impl Base {
    pub(crate) fn new(height: Height) -> Self {
        Self {
            height,
            accounts: 0,
            changes: Vec::new(),
            postings: Vec::new(),
            rows: 0,
        }
    }

    /// The next item: where its last movement put it.
    pub(crate) fn item(
        &mut self,
        db: &DB,
        batch: &mut WriteBatch,
        number: ItemNumber,
        item: &Item,
    ) {
        let first = self.changes.first();
        if first.is_some_and(|first| first.item.0 / ROW_ITEMS != number.0 / ROW_ITEMS) {
            self.put_items(db, batch);
        }
        let at = item.movement.occurred_at();
        self.changes.push(stood(number, at, item.facts.clone()));
    }

    fn put_items(&mut self, db: &DB, batch: &mut WriteBatch) {
        put_items(
            batch,
            column(db, columns::MOVEMENTS),
            self.height,
            &self.changes,
        );
        self.changes.clear();
    }

    /// The next entry, as far as the read model has rows of it.
    pub(crate) fn entry(&mut self, db: &DB, batch: &mut WriteBatch, key: &Key, entry: &Entry) {
        match key {
            Key::Member(_) | Key::Site(_) => {
                let column = column(db, columns::VERSIONS);
                versions::put(batch, column, key, self.height, Some(&entry.bytes()));
            }
            Key::Shipment(id) => {
                if let Some(shipment) = Shipment::of(entry) {
                    let row = WayRow {
                        occurred_at: shipment.shipped_at,
                        undone: false,
                        way: Way::from(shipment),
                    };
                    let column = column(db, columns::VERSIONS);
                    let spot = Spot::base(self.height, 0);
                    ways::put_row(batch, column, id, spot, &[row]);
                }
            }
            Key::Account(account) => {
                self.accounts += 1;
                let accounts = column(db, columns::ACCOUNTS);
                batch.put_cf(accounts, self.accounts.to_be_bytes(), encode(account));
                for row in Balance::of(entry).map_or(&[][..], |balance| &balance.rows) {
                    self.postings.push(PostingRow {
                        occurred_at: Time(0),
                        model: row.model,
                        count: row.count,
                        disputed: row.disputed,
                        from: 0,
                        to: self.accounts,
                    });
                }
                if self.postings.len() >= ROW_POSTINGS {
                    self.put_postings(db, batch);
                }
            }
            _ => {}
        }
    }

    fn put_postings(&mut self, db: &DB, batch: &mut WriteBatch) {
        let spot = Spot::base(self.height, self.rows);
        self.rows += 1;
        let told = Told {
            transaction: spot.transaction,
            record: spot.record,
            rows: std::mem::take(&mut self.postings),
        };
        put_postings(batch, column(db, columns::POSTINGS), self.height, &[told]);
    }

    /// What is left.
    pub(crate) fn finish(&mut self, db: &DB, batch: &mut WriteBatch) {
        if !self.changes.is_empty() {
            self.put_items(db, batch);
        }
        if !self.postings.is_empty() {
            self.put_postings(db, batch);
        }
    }
}

/// Where an item stood, and since when, as a change that no record made.
pub(super) fn stood(item: ItemNumber, since: Time, facts: Facts) -> ItemChange {
    ItemChange {
        item,
        transaction: u32::MAX,
        record: 0,
        occurred_at: since,
        change: Change::Moved(facts),
    }
}

/// Puts what stood of items that share a row.
pub(crate) fn put_items(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    changes: &[ItemChange],
) {
    put_movements(batch, column, height, changes);
}

/// Puts what stood on accounts.
pub(crate) fn put_balances(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    postings: &[PostingRow],
) {
    for (row, postings) in (0..).zip(postings.chunks(ROW_POSTINGS)) {
        let spot = Spot::base(height, row);
        let told = Told {
            transaction: spot.transaction,
            record: spot.record,
            rows: postings.to_vec(),
        };
        put_postings(batch, column, height, &[told]);
    }
}

/// The first key behind all rows of a height, of columns whose keys are spots.
pub(crate) fn after(height: Height) -> [u8; 8] {
    height.next().0.to_be_bytes()
}
