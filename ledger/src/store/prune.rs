//! Pruning: forgets the blocks before a height and what was derived from them alone, and gives the
//! disk its room back. What stood at the height before becomes rows that no record wrote, as in a
//! ledger that began with a snapshot of that height (decision 005).
//!
//! Blocks may be committed meanwhile: all that is written here lies at or below the height before
//! the first one kept. A crash leaves a note of what was under way, and the next pruning ends it.
//!
//! Kept of what is forgotten: headers that name another validator set than their own, and every
//! such set, because proofs lead through them; the edge of the history tree.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use chipledger_proof::state::{EntryKind, Key};
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::Height;
use rocksdb::{CompactOptions, WriteBatch, WriteOptions};

use super::view::history_key;
use super::{KEY_FIRST, Store, StoreError, View, columns};
use crate::read::movements::ROW_ITEMS;
use crate::read::{Spot, base, ways};
use crate::state::{State, StateError};

/// A pruning under way: the first height held before it, and after it.
const KEY_PRUNING: &[u8] = b"pruning";
/// Bytes of rows that are written together.
const BATCH_BYTES: usize = 1024 * 1024;

/// Why nothing was pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The last block is always kept. Ask for a lower height.
    #[error("block {asked} cannot be the first one kept, the last one is {head}")]
    BeyondHead {
        /// Asked for.
        asked: Height,
        /// The last block.
        head: Height,
    },
    /// The store cannot be read or written: stop. What was begun is ended by the next pruning.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rocksdb::Error> for PruneError {
    fn from(error: rocksdb::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<crate::state::StateError> for PruneError {
    fn from(error: crate::state::StateError) -> Self {
        Self::Store(error.into())
    }
}

/// What a pruning did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pruned {
    /// The first block held now.
    pub first: Height,
    /// Blocks forgotten.
    pub blocks: u64,
    /// Bytes of the ledger's folder before.
    pub bytes_before: u64,
    /// Bytes of the ledger's folder after.
    pub bytes_after: u64,
}

impl Store {
    /// Forgets every block before `first`, and frees the disk. It takes a while; blocks may be
    /// committed meanwhile. Does nothing if no block before `first` is held.
    ///
    /// # Errors
    /// `first` is above the last block, or the store cannot be read or written.
    pub fn prune(&self, first: Height) -> Result<Option<Pruned>, PruneError> {
        let one_at_a_time = self.inner.pruning.lock();
        let _guard = one_at_a_time.unwrap_or_else(PoisonError::into_inner);
        let bytes_before = self.folder_bytes();
        let mut blocks = self.resume_pruning()?;
        let (held, head) = (self.first_height()?, self.head().header.height);
        if first > head {
            return Err(PruneError::BeyondHead { asked: first, head });
        }
        if first > held {
            let mut batch = WriteBatch::default();
            let meta = self.column(columns::META);
            // From here on questions about what goes are refused.
            batch.put_cf(meta, KEY_FIRST, encode(&first));
            batch.put_cf(meta, KEY_PRUNING, encode(&(held, first)));
            self.note(batch)?;
            blocks += self.resume_pruning()?;
        }
        if blocks == 0 {
            return Ok(None);
        }
        Ok(Some(Pruned {
            first: self.first_height()?,
            blocks,
            bytes_before,
            bytes_after: self.folder_bytes(),
        }))
    }

    /// Does what the note says, if there is one; how many blocks went.
    fn resume_pruning(&self) -> Result<u64, PruneError> {
        let noted: Option<(Height, Height)> = self.view().meta(KEY_PRUNING)?;
        let Some((held, first)) = noted else {
            return Ok(0);
        };
        let Some(at) = first.0.checked_sub(1).map(Height) else {
            return Ok(0);
        };
        // One view for all: rows of later blocks do not concern it.
        let view = self.view();
        self.prune_movements(&view, at)?;
        self.prune_postings(&view, at)?;
        self.prune_versions(&view, at)?;
        self.prune_transactions(&view, at)?;
        self.prune_blocks(&view, held, at)?;
        drop(view);
        self.prune_history(at)?;
        self.free(first)?;
        let mut batch = WriteBatch::default();
        batch.delete_cf(self.column(columns::META), KEY_PRUNING);
        self.note(batch)?;
        Ok(first.0 - held.0)
    }

    /// Writes a note, synced. Rows are recovered in the order in which they were written, so
    /// nothing else needs to be.
    fn note(&self, batch: WriteBatch) -> Result<(), PruneError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.inner.db.write_opt(batch, &options)?)
    }

    fn write_if_many(&self, batch: &mut WriteBatch) -> Result<(), PruneError> {
        if batch.size_in_bytes() >= BATCH_BYTES {
            self.inner.db.write(std::mem::take(batch))?;
        }
        Ok(())
    }

    /// One row per 64 items in place of all up to the height.
    fn prune_movements(&self, view: &View<'_>, at: Height) -> Result<(), PruneError> {
        let column = self.column(columns::MOVEMENTS);
        let mut batch = WriteBatch::default();
        for group in 0..view.item_count().div_ceil(ROW_ITEMS) {
            let stood = view.stood_in_group(group, at)?;
            for key in &stood.rows {
                batch.delete_cf(column, key);
            }
            base::put_items(&mut batch, column, at, &stood.changes);
            self.write_if_many(&mut batch)?;
        }
        Ok(self.inner.db.write(batch)?)
    }

    /// One posting per account and model in place of all up to the height: all or none.
    fn prune_postings(&self, view: &View<'_>, at: Height) -> Result<(), PruneError> {
        let column = self.column(columns::POSTINGS);
        let mut batch = WriteBatch::default();
        let balances = view.stood_on_accounts(at)?;
        let (begin, end) = (Height(0).0.to_be_bytes(), base::after(at));
        batch.delete_range_cf(column, &begin, &end);
        base::put_balances(&mut batch, column, at, &balances);
        Ok(self.inner.db.write(batch)?)
    }

    /// One version of each member and site, and one way of each shipment, in place of all up to the
    /// height.
    fn prune_versions(&self, view: &View<'_>, at: Height) -> Result<(), PruneError> {
        let column = self.column(columns::VERSIONS);
        let mut batch = WriteBatch::default();
        let mut last: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut ways: BTreeMap<Vec<u8>, Vec<(Spot, Vec<u8>)>> = BTreeMap::new();
        let shipment = encode(&EntryKind::Shipment);
        view.scan(columns::VERSIONS, &[], |key, row| {
            if key.starts_with(&shipment) {
                if let Some((of, spot)) = key.split_last_chunk::<16>()
                    && let Some(spot) = Spot::from_bytes(spot).filter(|spot| spot.height <= at)
                {
                    batch.delete_cf(column, key);
                    ways.entry(of.to_vec())
                        .or_default()
                        .push((spot, row.to_vec()));
                }
            } else if let Some((of, height)) = key.split_last_chunk::<8>()
                && u64::from_be_bytes(*height) <= at.0
            {
                batch.delete_cf(column, key);
                last.insert(of.to_vec(), row.to_vec());
            }
            Ok(true)
        })?;
        for (mut key, row) in last {
            // What had ended by then leaves nothing.
            if !row.is_empty() {
                key.extend_from_slice(&at.0.to_be_bytes());
                batch.put_cf(column, key, row);
            }
        }
        for (mut key, rows) in ways {
            if let Some((spot, row)) = ways::stood(&rows, at)? {
                key.extend_from_slice(&spot.bytes());
                batch.put_cf(column, key, row);
            }
        }
        Ok(self.inner.db.write(batch)?)
    }

    /// Where transactions stand whose window has ended: of the others the rows say that they were
    /// seen.
    fn prune_transactions(&self, view: &View<'_>, at: Height) -> Result<(), PruneError> {
        let column = self.column(columns::TRANSACTIONS);
        let mut batch = WriteBatch::default();
        let mut open: BTreeMap<Height, bool> = BTreeMap::new();
        let mut ended = Vec::new();
        view.scan(columns::TRANSACTIONS, &[], |key, row| {
            let damaged = |_| StateError {
                reason: "a row of transactions is damaged".to_owned(),
            };
            let (height, _): (Height, u32) = decode_stored(row).map_err(damaged)?;
            if height > at {
                return Ok(true);
            }
            let stays = match open.get(&height) {
                Some(stays) => *stays,
                None => {
                    let stays = view.entry(&Key::Transactions(height))?.is_some();
                    open.insert(height, stays);
                    stays
                }
            };
            if !stays {
                ended.push(key.to_vec());
            }
            Ok(true)
        })?;
        for key in ended {
            batch.delete_cf(column, key);
            self.write_if_many(&mut batch)?;
        }
        Ok(self.inner.db.write(batch)?)
    }

    /// Blocks, and headers that no proof needs.
    fn prune_blocks(&self, view: &View<'_>, held: Height, at: Height) -> Result<(), PruneError> {
        let headers = self.column(columns::HEADERS);
        let mut batch = WriteBatch::default();
        // The header that stood for the past until now may go too.
        for height in held.0.saturating_sub(1)..at.0 {
            let Some((header, _)) = view.header(Height(height))? else {
                continue;
            };
            if header.validators == header.next_validators {
                batch.delete_cf(headers, height.to_be_bytes());
            }
            self.write_if_many(&mut batch)?;
        }
        let blocks = self.column(columns::BLOCKS);
        let (begin, end) = (0_u64.to_be_bytes(), at.next().0.to_be_bytes());
        batch.delete_range_cf(blocks, &begin, &end);
        Ok(self.inner.db.write(batch)?)
    }

    /// All nodes of the history tree below its edge: no path of a later header needs them.
    fn prune_history(&self, at: Height) -> Result<(), PruneError> {
        let column = self.column(columns::HISTORY);
        let mut batch = WriteBatch::default();
        for level in 0..63_u8 {
            // Of complete subtrees only a last one that has no sibling yet is at the edge.
            let end = (at.0 >> (level + 1)) * 2;
            if end > 0 {
                let (begin, end) = (history_key(level, 0), history_key(level, end));
                batch.delete_range_cf(column, &begin, &end);
            }
        }
        Ok(self.inner.db.write(batch)?)
    }

    /// Compacts what was deleted away. Views that still look at it keep it until they end, which
    /// deleting whole files would not wait for.
    fn free(&self, first: Height) -> Result<(), PruneError> {
        let mut options = CompactOptions::default();
        options.set_exclusive_manual_compaction(false);
        let end = first.0.to_be_bytes();
        let postings = base::after(Height(first.0 - 1));
        let everything: Option<&[u8]> = None;
        let ranges = [
            (columns::BLOCKS, Some(&end[..])),
            (columns::HEADERS, Some(&end[..])),
            (columns::POSTINGS, Some(&postings[..])),
            (columns::MOVEMENTS, everything),
            (columns::VERSIONS, everything),
            (columns::TRANSACTIONS, everything),
            (columns::HISTORY, everything),
        ];
        for (name, end) in ranges {
            let column = self.column(name);
            self.inner.db.flush_cf(column)?;
            let db = &self.inner.db;
            db.compact_range_cf_opt(column, everything, end, &options);
        }
        // A log lives as long as one column has rows in it that are nowhere else.
        for name in columns::ALL {
            self.inner.db.flush_cf(self.column(name))?;
        }
        Ok(())
    }
}
