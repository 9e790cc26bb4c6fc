//! Rows of a ledger from the chunks of a snapshot, one chunk at a time.

use std::path::Path;
use std::sync::Arc;

use chipledger_proof::state::{Chain, Entry, Item, Key, Seen, Stored};
use chipledger_proof::{
    BucketEntry, ITEM_PAGE, bucket_count, bucket_index, bucket_root, page_root,
};
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemNumber};
use rocksdb::{DB, DBRecoveryMode, FlushOptions, WriteBatch, WriteOptions};

use super::super::chunk::Chunk;
use super::super::{Manifest, SnapshotError, io, lie};
use crate::chain::Head;
use crate::commitment::Commitment;
use crate::read::base::Base;
use crate::state::Page;
use crate::store::columns::Buffers;
use crate::store::view::{encode_bucket, history_key};
use crate::store::{
    FORMAT, KEY_COUNTS, KEY_FIRST, KEY_FORMAT, KEY_GENESIS, KEY_HEAD, KEY_VALIDATORS, StoreError,
    column, columns, rows, window_key,
};

/// Bytes of rows that are written together.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A database under construction. Memory: a chunk, the inner nodes of the commitment, and 64 bytes
/// per entry until the buckets are written.
pub(super) struct Build<'m> {
    db: DB,
    manifest: &'m Manifest,
    genesis: &'m Genesis,
    batch: WriteBatch,
    base: Base,
    items: u64,
    page: Vec<Option<Arc<Item>>>,
    page_roots: Vec<Hash>,
    last_key: Vec<u8>,
    digests: Vec<BucketEntry>,
    chain: Option<Chain>,
}

impl<'m> Build<'m> {
    pub(super) fn begin(
        dir: &Path,
        genesis: &'m Genesis,
        manifest: &'m Manifest,
    ) -> Result<Self, SnapshotError> {
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        let recovery = DBRecoveryMode::TolerateCorruptedTailRecords;
        let mut options = columns::database_options(recovery, Buffers::Usual);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let descriptors = columns::descriptors(Buffers::Usual);
        let db = DB::open_cf_descriptors(&options, dir, descriptors)?;
        Ok(Self {
            db,
            manifest,
            genesis,
            batch: WriteBatch::default(),
            base: Base::new(manifest.height()),
            items: 0,
            page: Vec::new(),
            page_roots: Vec::new(),
            last_key: Vec::new(),
            digests: Vec::new(),
            chain: None,
        })
    }

    /// The rows of the next chunk.
    pub(super) fn take(&mut self, index: usize, chunk: Chunk) -> Result<(), SnapshotError> {
        let wrong = |what: &str| lie(format!("chunk {index}: {what}"));
        match chunk {
            Chunk::Items { first, items } => {
                if first != self.items || !self.digests.is_empty() {
                    return Err(wrong("its items do not follow those before"));
                }
                for bytes in items {
                    let item = Item::from_bytes(&bytes).map_err(|_| wrong("not an item"))?;
                    self.item(item)?;
                }
            }
            Chunk::Entries(entries) => {
                self.end_page();
                for (key, entry) in entries {
                    if !self.digests.is_empty() && key <= self.last_key {
                        return Err(wrong("its entries do not ascend"));
                    }
                    let parsed: Key = decode(&key).map_err(|_| wrong("not a key"))?;
                    let value = Entry::from_bytes(&entry).map_err(|_| wrong("not an entry"))?;
                    if parsed.kind() != value.kind() {
                        return Err(wrong("an entry under a key of another kind"));
                    }
                    self.entry(&parsed, &value, &entry)?;
                    self.last_key = key;
                }
            }
        }
        if self.items > self.manifest.items || self.digests.len() as u64 > self.manifest.entries {
            return Err(wrong("more rows than the manifest counts"));
        }
        Ok(())
    }

    fn item(&mut self, item: Item) -> Result<(), SnapshotError> {
        let number = ItemNumber(self.items);
        self.base.item(&self.db, &mut self.batch, number, &item);
        self.page.push(Some(Arc::new(item)));
        self.items += 1;
        if self.page.len() == ITEM_PAGE {
            self.end_page();
        }
        self.write(BATCH_BYTES)
    }

    fn end_page(&mut self) {
        if self.page.is_empty() {
            return;
        }
        let page = Page::of(&std::mem::take(&mut self.page));
        let number = (self.page_roots.len() as u64).to_be_bytes();
        let root = page_root(page.digests());
        let column = |name| column(&self.db, name);
        self.batch
            .put_cf(column(columns::ITEMS), number, rows::encode_page(&page));
        self.batch
            .put_cf(column(columns::PAGE_ROOTS), number, root.as_bytes());
        self.page_roots.push(root);
    }

    fn entry(&mut self, key: &Key, entry: &Entry, bytes: &[u8]) -> Result<(), SnapshotError> {
        let entries = column(&self.db, columns::ENTRIES);
        self.batch.put_cf(entries, key.bytes(), bytes);
        if let (Key::Transactions(height), Some(seen)) = (key, Seen::of(entry)) {
            let windows = column(&self.db, columns::WINDOWS);
            self.batch
                .put_cf(windows, window_key(seen.until, *height), []);
            let transactions = column(&self.db, columns::TRANSACTIONS);
            for (index, id) in (0_u32..).zip(&seen.ids) {
                let spot = encode(&(*height, index));
                self.batch.put_cf(transactions, id.0.as_bytes(), spot);
            }
        }
        if let Entry::Chain(chain) = entry {
            self.chain = Some(chain.clone());
        }
        self.base.entry(&self.db, &mut self.batch, key, entry);
        self.digests.push(BucketEntry {
            key: key.digest(),
            value: entry.digest_with(bytes),
        });
        self.write(BATCH_BYTES)
    }

    /// Writes what waits, if it is more than so many bytes. Nothing is synced before the end: a
    /// crash leaves a directory that nobody opens.
    fn write(&mut self, more_than: usize) -> Result<(), SnapshotError> {
        if self.batch.size_in_bytes() > more_than {
            let mut options = WriteOptions::default();
            options.disable_wal(true);
            self.db
                .write_opt(std::mem::take(&mut self.batch), &options)?;
        }
        Ok(())
    }

    /// Compares the whole with the header, and writes what makes it a ledger.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        self.end_page();
        let counts = (self.items, self.digests.len() as u64);
        if counts != (self.manifest.items, self.manifest.entries) {
            return Err(lie("its chunks hold fewer rows than it counts"));
        }
        let buckets = self.buckets()?;
        let roots = std::mem::take(&mut self.page_roots);
        let (items, entries) = counts;
        let commitment = Commitment::load(roots.into_iter(), items, buckets.into_iter(), entries)
            .map_err(StoreError::from)?;
        if commitment.state_root() != self.manifest.header().state_root {
            return Err(lie("its chunks are not the state of its header"));
        }
        self.base.finish(&self.db, &mut self.batch);
        self.headers();
        self.meta(counts)?;
        self.write(0)?;
        let mut flush = FlushOptions::default();
        flush.set_wait(true);
        for name in columns::ALL {
            self.db.flush_cf_opt(column(&self.db, name), &flush)?;
        }
        Ok(())
    }

    /// Writes the buckets; returns the root of each.
    fn buckets(&mut self) -> Result<Vec<Hash>, SnapshotError> {
        let count = bucket_count(self.digests.len() as u64);
        let mut digests = std::mem::take(&mut self.digests);
        let bucket = |entry: &BucketEntry| bucket_index(&entry.key, count);
        digests.sort_unstable_by_key(|entry| (bucket(entry), entry.key));
        let mut roots = vec![bucket_root(&[]); usize::try_from(count).unwrap_or(0)];
        for entries in digests.chunk_by(|a, b| bucket(a) == bucket(b)) {
            let number = bucket(&entries[0]);
            let buckets = column(&self.db, columns::BUCKETS);
            self.batch
                .put_cf(buckets, number.to_be_bytes(), encode_bucket(entries));
            if let Some(root) = usize::try_from(number).ok().and_then(|n| roots.get_mut(n)) {
                *root = bucket_root(entries);
            }
            self.write(BATCH_BYTES)?;
        }
        Ok(roots)
    }

    /// The headers of the way from genesis, and the edge of the history tree.
    fn headers(&mut self) {
        let trust = &self.manifest.trust;
        let changes = trust.changes.iter().map(|c| (&c.header, &c.certificate));
        for (header, certificate) in changes.chain([(&trust.header, &trust.certificate)]) {
            let headers = column(&self.db, columns::HEADERS);
            let row = encode(&(header, certificate));
            self.batch
                .put_cf(headers, header.height.0.to_be_bytes(), row);
        }
        let mut after = self.manifest.history.clone();
        let new = after.append(&trust.header.hash().0);
        for node in self.manifest.history.nodes().into_iter().chain(new) {
            let history = column(&self.db, columns::HISTORY);
            let key = history_key(node.level, node.index);
            self.batch.put_cf(history, key, node.hash.as_bytes());
        }
    }

    fn meta(&mut self, counts: (u64, u64)) -> Result<(), SnapshotError> {
        let header = self.manifest.header().clone();
        let mut history = self.manifest.history.clone();
        history.append(&header.hash().0);
        let first = Height(header.height.0 + 1);
        let head = Head { header, history };
        let chain = self.chain.take().ok_or_else(|| lie("no chain entry"))?;
        let column = column(&self.db, columns::META);
        self.batch.put_cf(column, KEY_FORMAT, encode(&FORMAT));
        self.batch.put_cf(column, KEY_GENESIS, encode(self.genesis));
        self.batch.put_cf(column, KEY_HEAD, encode(&head));
        self.batch.put_cf(column, KEY_COUNTS, encode(&counts));
        self.batch.put_cf(column, KEY_FIRST, encode(&first));
        let changed = self.manifest.trust.changes.iter().map(|c| c.next.clone());
        for set in changed.chain([chain.next_validators, chain.later_validators]) {
            let key = [KEY_VALIDATORS, set.digest().as_bytes()].concat();
            self.batch.put_cf(column, key, encode(&set));
        }
        Ok(())
    }
}
