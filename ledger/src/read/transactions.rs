//! Where transactions and records stand.

use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::{Height, RecordId, TransactionId};
use chipledger_schemas::transaction::Transaction;
use rocksdb::{ColumnFamily, WriteBatch};

use super::{QueryError, Spot};
use crate::state::StateError;
use crate::store::{View, columns};

pub(super) fn put(batch: &mut WriteBatch, column: &ColumnFamily, block: &CertifiedBlock) {
    let height = block.block.header.height;
    for (index, transaction) in (0_u32..).zip(&block.block.transactions) {
        batch.put_cf(
            column,
            transaction.id().0.as_bytes(),
            encode(&(height, index)),
        );
    }
}

impl View<'_> {
    /// Where a final transaction stands: height, and index in the block. A ledger from a snapshot
    /// knows those whose window has not ended, and does not hold their blocks.
    pub fn transaction_spot(
        &self,
        id: &TransactionId,
    ) -> Result<Option<(Height, u32)>, StateError> {
        let row = self.row(columns::TRANSACTIONS, id.0.as_bytes())?;
        let damaged = |_| StateError {
            reason: "a row of transactions is damaged".to_owned(),
        };
        row.map(|row| decode_stored(&row).map_err(damaged))
            .transpose()
    }

    /// The transaction of a spot, with the id of the record there.
    pub fn record_at(&self, spot: Spot) -> Result<(Transaction, RecordId), QueryError> {
        let first = self.first_height()?;
        if spot.height < first {
            return Err(QueryError::BeforeHistory { first });
        }
        let missing = || StateError {
            reason: format!("block {} is not held", spot.height),
        };
        let mut block = self.block(spot.height)?.ok_or_else(missing)?;
        let index = usize::try_from(spot.transaction).unwrap_or(usize::MAX);
        if index >= block.block.transactions.len() {
            return Err(missing().into());
        }
        let transaction = block.block.transactions.swap_remove(index);
        let id = transaction.record_id(spot.record);
        Ok((transaction, id))
    }
}
