//! Postings as rows: per record, what left which account and entered which.

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
    /// Chips.
    pub count: u64,
    /// Of which disputed.
    pub disputed: u64,
    /// Debited.
    pub from: u32,
    /// Credited.
    pub to: u32,
}

pub(super) fn put(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    height: Height,
    postings: &[Posting],
    number: &mut impl FnMut(&Account, &mut WriteBatch) -> u32,
) {
    let same_record =
        |a: &Posting, b: &Posting| (a.transaction, a.record) == (b.transaction, b.record);
    for group in postings.chunk_by(same_record) {
        let mut rows = Vec::with_capacity(group.len());
        for posting in group {
            let mut side = |account: &Option<Account>, batch: &mut WriteBatch| {
                account.as_ref().map_or(0, |account| number(account, batch))
            };
            let from = side(&posting.from, batch);
            let to = side(&posting.to, batch);
            let Posting {
                occurred_at,
                model,
                count,
                disputed,
                ..
            } = *posting;
            rows.push(PostingRow {
                occurred_at,
                model,
                count,
                disputed,
                from,
                to,
            });
        }
        let spot = Spot {
            height,
            transaction: group[0].transaction,
            record: group[0].record,
        };
        batch.put_cf(column, spot.bytes(), encode(&rows));
    }
}

impl View<'_> {
    /// Visits every posting that was known at a moment and had happened by then, in the order
    /// decided.
    pub fn postings(
        &self,
        moment: Moment,
        mut visit: impl FnMut(Spot, &PostingRow),
    ) -> Result<(), StateError> {
        self.scan(columns::POSTINGS, &[], |key, row| {
            let damaged = || StateError {
                reason: "a row of postings is damaged".to_owned(),
            };
            let spot = Spot::from_bytes(key).ok_or_else(damaged)?;
            if spot.height > moment.known {
                return Ok(false);
            }
            let rows: Vec<PostingRow> = decode_stored(row).map_err(|_| damaged())?;
            for row in rows.iter().filter(|row| moment.includes(row.occurred_at)) {
                visit(spot, row);
            }
            Ok(true)
        })
    }

    /// Accounts by number.
    pub fn account_numbers(&self) -> Result<Vec<Option<Account>>, StateError> {
        let mut accounts = vec![None];
        self.scan(columns::ACCOUNTS, &[], |_, row| {
            let damaged = |_| StateError {
                reason: "a row of accounts is damaged".to_owned(),
            };
            accounts.push(Some(decode_stored(row).map_err(damaged)?));
            Ok(true)
        })?;
        Ok(accounts)
    }
}
