//! A view of the store at one height: what `execute` and queries read.

use std::sync::Arc;

use chipledger_proof::BucketEntry;
use chipledger_proof::state::{Account, Entry, EntryKind, Key};
use chipledger_schemas::block::{CertifiedBlock, Header};
use chipledger_schemas::certificate::{Certificate, ValidatorSet};
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, SiteId, TransactionId};
use chipledger_schemas::time::Time;
use rocksdb::{DB, Direction, IteratorMode, ReadOptions, Snapshot};

use super::{StoreError, column, columns, meta_row, rows};
use crate::chain::Head;
use crate::commitment::BucketReader;
use crate::state::{Page, State, StateError};

/// Committed rows as of one moment; later blocks do not show.
pub struct View<'d> {
    db: &'d DB,
    snapshot: Option<Snapshot<'d>>,
}

impl<'d> View<'d> {
    /// What is committed now, and stays so for as long as the view lives.
    pub(crate) fn new(db: &'d DB) -> Self {
        Self {
            db,
            snapshot: Some(db.snapshot()),
        }
    }

    /// Reads the database as it is: while it is opened, and nobody writes.
    pub(crate) fn unversioned(db: &'d DB) -> Self {
        Self { db, snapshot: None }
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        if let Some(snapshot) = &self.snapshot {
            options.set_snapshot(snapshot);
        }
        options
    }

    /// A row.
    pub(crate) fn row(&self, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.db
            .get_cf_opt(column(self.db, name), key, &self.options())
            .map_err(unreadable)
    }

    /// A row of `meta`.
    pub(crate) fn meta<T: serde::de::DeserializeOwned>(
        &self,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        meta_row(self.row(columns::META, key)?)
    }

    /// Visits rows whose key begins with `prefix`, in order, until `visit` says no.
    pub(crate) fn scan(
        &self,
        name: &str,
        prefix: &[u8],
        visit: impl FnMut(&[u8], &[u8]) -> Result<bool, StateError>,
    ) -> Result<(), StateError> {
        self.scan_from(name, prefix, prefix, visit)
    }

    /// As [`Self::scan`], beginning at `start`.
    pub(crate) fn scan_from(
        &self,
        name: &str,
        prefix: &[u8],
        start: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, StateError>,
    ) -> Result<(), StateError> {
        let mut options = self.options();
        options.set_total_order_seek(true);
        let mode = IteratorMode::From(start, Direction::Forward);
        for row in self
            .db
            .iterator_cf_opt(column(self.db, name), options, mode)
        {
            let (key, value) = row.map_err(unreadable)?;
            if !key.starts_with(prefix) || !visit(&key, &value)? {
                break;
            }
        }
        Ok(())
    }

    /// Where the chain stands in this view.
    pub fn head(&self) -> Result<Head, StoreError> {
        let what = || StoreError::Damaged {
            what: "the head is missing".to_owned(),
        };
        self.meta(super::KEY_HEAD)?.ok_or_else(what)
    }

    /// A header with its certificate.
    pub fn header(&self, height: Height) -> Result<Option<(Header, Certificate)>, StateError> {
        let row = self.row(columns::HEADERS, &height.0.to_be_bytes())?;
        row.map(|row| decode_stored(&row).map_err(|_| damaged("a header")))
            .transpose()
    }

    /// Headers that are held from a height on, with their certificates: at most so many.
    pub fn headers_from(
        &self,
        from: Height,
        most: usize,
    ) -> Result<Vec<(Header, Certificate)>, StateError> {
        let mut headers = Vec::new();
        self.scan_from(columns::HEADERS, &[], &from.0.to_be_bytes(), |_, row| {
            if headers.len() < most {
                headers.push(decode_stored(row).map_err(|_| damaged("a header"))?);
            }
            Ok(headers.len() < most)
        })?;
        Ok(headers)
    }

    /// A complete node of the history tree, if it is held.
    pub(crate) fn history_node(&self, level: u8, index: u64) -> Result<Option<Hash>, StateError> {
        let row = self.row(columns::HISTORY, &history_key(level, index))?;
        Ok(row.and_then(|row| row.try_into().ok()).map(Hash))
    }

    /// A certified block.
    pub fn block(&self, height: Height) -> Result<Option<CertifiedBlock>, StateError> {
        let row = self.row(columns::BLOCKS, &height.0.to_be_bytes())?;
        row.map(|row| decode_stored(&row).map_err(|_| damaged("a block")))
            .transpose()
    }

    /// A validator set that a record put in force, by its digest.
    pub(crate) fn validator_set(&self, digest: &Hash) -> Result<Option<ValidatorSet>, StoreError> {
        self.meta(&[super::KEY_VALIDATORS, digest.as_bytes()].concat())
    }
}

fn unreadable(error: rocksdb::Error) -> StateError {
    StateError {
        reason: error.to_string(),
    }
}

fn damaged(what: &str) -> StateError {
    StateError {
        reason: format!("{what}; run audit"),
    }
}

/// Key of a node of the history tree.
pub(crate) fn history_key(level: u8, index: u64) -> [u8; 9] {
    let mut key = [0; 9];
    key[0] = level;
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Row of a bucket: 64 bytes per entry.
pub(crate) fn encode_bucket(entries: &[BucketEntry]) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|entry| [entry.key.0, entry.value.0])
        .flatten()
        .collect()
}

/// Entries in the row of a bucket.
pub(crate) fn decode_bucket(row: &[u8]) -> Vec<BucketEntry> {
    let hash = |bytes: &[u8]| Hash(bytes.try_into().unwrap_or_default());
    row.chunks_exact(64)
        .map(|entry| BucketEntry {
            key: hash(&entry[..32]),
            value: hash(&entry[32..]),
        })
        .collect()
}

impl State for View<'_> {
    fn item_count(&self) -> u64 {
        let counts = self.meta::<(u64, u64)>(super::KEY_COUNTS).ok().flatten();
        counts.map_or(0, |(items, _)| items)
    }

    fn page(&self, page: u64) -> Result<Page, StateError> {
        match self.row(columns::ITEMS, &page.to_be_bytes())? {
            Some(row) => rows::decode_page(&row),
            None => Ok(Page::default()),
        }
    }

    fn pages(&self, pages: &[u64]) -> Result<Vec<Page>, StateError> {
        let keys: Vec<_> = pages.iter().map(|page| page.to_be_bytes()).collect();
        let (items, options) = (column(self.db, columns::ITEMS), self.options());
        let rows = self
            .db
            .batched_multi_get_cf_opt(items, &keys, true, &options);
        let page = |row: Result<Option<rocksdb::DBPinnableSlice<'_>>, rocksdb::Error>| {
            let row = row.map_err(unreadable)?;
            row.map_or_else(|| Ok(Page::default()), |row| rows::decode_page(&row))
        };
        rows.into_iter().map(page).collect()
    }

    fn entry(&self, key: &Key) -> Result<Option<Arc<Entry>>, StateError> {
        let Some(row) = self.row(columns::ENTRIES, &key.bytes())? else {
            return Ok(None);
        };
        let entry = Entry::from_stored_bytes(&row).map_err(|_| damaged("an entry"))?;
        Ok(Some(Arc::new(entry)))
    }

    fn entries(&self, kind: EntryKind) -> Result<Vec<(Key, Arc<Entry>)>, StateError> {
        let mut found = Vec::new();
        // A key begins with the number of its kind, which is how the kind itself is encoded.
        self.scan(columns::ENTRIES, &encode(&kind), |key, row| {
            let key: Key = decode_stored(key).map_err(|_| damaged("a key"))?;
            let entry = Entry::from_stored_bytes(row).map_err(|_| damaged("an entry"))?;
            found.push((key, Arc::new(entry)));
            Ok(true)
        })?;
        Ok(found)
    }

    fn accounts_at(&self, site: &SiteId) -> Result<Vec<Account>, StateError> {
        let mut accounts = Vec::new();
        self.scan(columns::ENTRIES, &encode(&EntryKind::Account), |key, _| {
            let key: Key = decode_stored(key).map_err(|_| damaged("a key"))?;
            if let Key::Account(account) = key
                && account.place.concerns(site)
            {
                accounts.push(account);
            }
            Ok(true)
        })?;
        Ok(accounts)
    }

    fn has_seen(&self, id: &TransactionId) -> Result<bool, StateError> {
        // Rows stay longer than the entries that they follow from; the window has ended by then.
        Ok(self.row(columns::TRANSACTIONS, id.0.as_bytes())?.is_some())
    }

    fn ended_windows(&self, time: Time, limit: usize) -> Result<Vec<(Time, Height)>, StateError> {
        let mut windows = Vec::new();
        self.scan(columns::WINDOWS, &[], |key, _| {
            let (end, height) = key
                .split_first_chunk::<8>()
                .ok_or_else(|| damaged("a window"))?;
            let end = Time(u64::from_be_bytes(*end));
            let height = height.try_into().map_err(|_| damaged("a window"))?;
            if end > time || windows.len() >= limit {
                return Ok(false);
            }
            windows.push((end, Height(u64::from_be_bytes(height))));
            Ok(true)
        })?;
        Ok(windows)
    }
}

impl BucketReader for View<'_> {
    type Error = StateError;
    fn bucket(&self, index: u64) -> Result<Vec<BucketEntry>, StateError> {
        let row = self.row(columns::BUCKETS, &index.to_be_bytes())?;
        Ok(row.map(|row| decode_bucket(&row)).unwrap_or_default())
    }
}
