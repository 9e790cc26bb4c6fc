//! Postings as rows: per record, what left which account and entered which; many records a row.

use std::collections::BTreeMap;

use chipledger_proof::state::{Account, ModelNumber};
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::Time;
use rocksdb::{ColumnFamily, WriteBatch};
use serde::{Deserialize, Serialize};

use super::{Moment, Spot};
use crate::state::{Posting, StateError};
use crate::store::{View, columns};

/// A posting with numbers in place of accounts; 0 is no account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PostingRow {
    /// Event time.
    pub occurred_at: Time,
    /// The model.
    pub model: ModelNumber,
    /// Chips; none if chips stay where they are, and are disputed from here on (credited), or no
    /// longer (debited).
    pub count: u64,
    /// Of which disputed; of a row without chips those that it marks.
    pub disputed: u64,
    /// Debited.
    pub from: u32,
    /// Credited.
    pub to: u32,
}

/// Postings of one record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) transaction: u32,
    pub(super) record: u32,
    pub(super) rows: Vec<PostingRow>,
}

/// Chips and disputed chips by account number and model.
pub(super) type Sums = BTreeMap<(u32, ModelNumber), (u64, u64)>;

/// Postings after which a row is closed: behind the record that they are of.
pub(super) const ROW_POSTINGS: usize = 1_000;

pub(super) fn put(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    postings: &[Posting],
    number: &mut impl FnMut(&Account, &mut WriteBatch) -> u32,
) {
    let record_of = |posting: &Posting| (posting.transaction, posting.record);
    let mut told: Vec<Told> = Vec::new();
    let mut count = 0;
    for postings in postings.chunk_by(|a, b| record_of(a) == record_of(b)) {
        let (transaction, record) = record_of(&postings[0]);
        let rows = postings.iter().map(|p| row(p, batch, number)).collect();
        told.push(Told {
            transaction,
            record,
            rows,
        });
        count += postings.len();
        if count >= ROW_POSTINGS {
            put_row(batch, column, height, &told);
            (told, count) = (Vec::new(), 0);
        }
    }
    put_row(batch, column, height, &told);
}

fn row(
    posting: &Posting,
    batch: &mut WriteBatch,
    number: &mut impl FnMut(&Account, &mut WriteBatch) -> u32,
) -> PostingRow {
    let mut side =
        |account: &Option<Account>| account.as_ref().map_or(0, |account| number(account, batch));
    PostingRow {
        from: side(&posting.from),
        to: side(&posting.to),
        occurred_at: posting.occurred_at,
        model: posting.model,
        count: posting.count,
        disputed: posting.disputed,
    }
}

/// A row stands where the first record in it stands.
pub(super) fn put_row(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    told: &[Told],
) {
    let Some(first) = told.first() else { return };
    let spot = Spot {
        height,
        transaction: first.transaction,
        record: first.record,
    };
    batch.put_cf(column, spot.bytes(), encode(&told));
}

impl View<'_> {
    /// Visits every posting that was known at a moment and had happened by then, in the order
    /// decided.
    pub fn postings(
        &self,
        moment: Moment,
        visit: impl FnMut(Spot, &PostingRow),
    ) -> Result<(), StateError> {
        self.postings_from(Height(0), moment, visit)
    }

    /// As [`Self::postings`], of the heights from `first` on.
    pub fn postings_from(
        &self,
        first: Height,
        moment: Moment,
        mut visit: impl FnMut(Spot, &PostingRow),
    ) -> Result<(), StateError> {
        let start = first.0.to_be_bytes();
        self.scan_from(columns::POSTINGS, &[], &start, |key, row| {
            let damaged = || StateError {
                reason: "a row of postings is damaged".to_owned(),
            };
            let spot = Spot::from_bytes(key).ok_or_else(damaged)?;
            if spot.height > moment.known {
                return Ok(false);
            }
            let records: Vec<Told> = decode_stored(row).map_err(|_| damaged())?;
            for told in &records {
                let spot = Spot {
                    height: spot.height,
                    transaction: told.transaction,
                    record: told.record,
                };
                let rows = told.rows.iter();
                for row in rows.filter(|row| moment.includes(row.occurred_at)) {
                    visit(spot, row);
                }
            }
            Ok(true)
        })
    }

    /// Chips and disputed chips per account number and model at a moment, none zero. A movement
    /// that
    /// is reported after a dispute and happened before it takes the mark along: of an account no
    /// more than all is told as disputed, and no less than none.
    pub(super) fn sums(&self, moment: Moment) -> Result<Sums, StateError> {
        let mut sums: BTreeMap<(u32, ModelNumber), (i128, i128)> = BTreeMap::new();
        self.postings(moment, |_, row| {
            let (count, disputed) = (i128::from(row.count), i128::from(row.disputed));
            let from = sums.entry((row.from, row.model)).or_default();
            *from = (from.0 - count, from.1 - disputed);
            let to = sums.entry((row.to, row.model)).or_default();
            *to = (to.0 + count, to.1 + disputed);
        })?;
        let positive = |(key, (count, disputed)): ((u32, ModelNumber), (i128, i128))| {
            let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
            let disputed = u64::try_from(disputed).unwrap_or(0).min(count);
            (key.0 > 0).then_some((key, (count, disputed)))
        };
        Ok(sums.into_iter().filter_map(positive).collect())
    }

    /// Visits every posting of the block at a height, in the order decided.
    pub fn postings_of(
        &self,
        height: Height,
        mut visit: impl FnMut(Spot, &PostingRow),
    ) -> Result<(), StateError> {
        self.scan(columns::POSTINGS, &height.0.to_be_bytes(), |_, row| {
            let damaged = |_| StateError {
                reason: "a row of postings is damaged".to_owned(),
            };
            let records: Vec<Told> = decode_stored(row).map_err(damaged)?;
            for told in &records {
                let spot = Spot {
                    height,
                    transaction: told.transaction,
                    record: told.record,
                };
                told.rows.iter().for_each(|row| visit(spot, row));
            }
            Ok(true)
        })
    }

    /// What stood on every account at a height, as postings that no record made, by account and
    /// model.
    pub(crate) fn stood_on_accounts(&self, at: Height) -> Result<Vec<PostingRow>, StateError> {
        let moment = Moment {
            at: None,
            known: at,
            known_time: Time::END,
        };
        let stood = |((to, model), (count, disputed))| PostingRow {
            occurred_at: Time(0),
            model,
            count,
            disputed,
            from: 0,
            to,
        };
        Ok(self.sums(moment)?.into_iter().map(stood).collect())
    }

    /// Accounts by number.
    pub fn account_numbers(&self) -> Result<Vec<Option<Account>>, StateError> {
        let mut accounts = vec![None];
        accounts.extend(self.accounts_from(1)?.into_iter().map(Some));
        Ok(accounts)
    }

    /// Accounts whose number is at least `first`, by number.
    pub fn accounts_from(&self, first: u32) -> Result<Vec<Account>, StateError> {
        let mut accounts = Vec::new();
        self.scan_from(columns::ACCOUNTS, &[], &first.to_be_bytes(), |_, row| {
            let damaged = |_| StateError {
                reason: "a row of accounts is damaged".to_owned(),
            };
            accounts.push(decode_stored(row).map_err(damaged)?);
            Ok(true)
        })?;
        Ok(accounts)
    }
}
