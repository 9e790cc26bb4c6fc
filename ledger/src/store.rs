//! The store: the one place that writes. An outcome becomes one batch, synced before the height
//! counts.
//!
//! **Invariant:** blocks, state and read model are written in the same batch and can never be out
//! of step.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use chipledger_proof::bucket_root;
use chipledger_proof::state::{Entry, Key, Seen, Stored};
use chipledger_schemas::block::{Block, CertifiedBlock};
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::encode::{DecodeError, decode, decode_stored, encode};
use chipledger_schemas::genesis::{Genesis, GenesisError};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{GenesisHash, Height};
use rocksdb::{DB, DBRecoveryMode, WriteBatch, WriteOptions};

use crate::chain::{BlockError, Ground, Head, Outcome, Sabotage};
use crate::commitment::{Commitment, LoadError, page_count};
use crate::read::ReadModel;
use crate::state::StateError;

mod backup;
pub(crate) mod columns;
pub(crate) mod files;
mod lookup;
pub(crate) mod mark;
mod prune;
pub(crate) mod rows;
pub mod snapshot;
mod unfinished;
mod view;

pub(crate) use backup::LISTING;
pub use backup::{Backup, BackupError, ListedFile, restore};
pub use files::{FileDamage, carries_truth, check_files};
pub use prune::{PruneError, Pruned};
pub use view::View;

use columns::Buffers;
use mark::{Mark, MarkFile};

/// Version of the layout on disk; others are refused.
pub const FORMAT: u32 = 3;

const KEY_FORMAT: &[u8] = b"format";
const KEY_GENESIS: &[u8] = b"genesis";
const KEY_HEAD: &[u8] = b"head";
const KEY_COUNTS: &[u8] = b"counts";
/// Absent while every block since genesis is held.
const KEY_FIRST: &[u8] = b"first";
/// Followed by the digest of a validator set.
const KEY_VALIDATORS: &[u8] = b"validators/";

/// Why the store cannot be used. Nothing was guessed and nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory holds no ledger. Check the path, or create one with `init`.
    #[error("{} holds no ledger", dir.display())]
    NoLedger {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory holds something already. Choose an empty one.
    #[error("{} is not empty", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// Another process writes to this ledger. Stop it, or only read.
    #[error("{} is in use by another process", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory is a backup, which stays as it is. Restore it into a new directory, or only
    /// read.
    #[error("{} is a backup; restore it first", dir.display())]
    IsBackup {
        /// The directory.
        dir: PathBuf,
    },
    /// Another version of the program wrote this ledger. Use that one.
    #[error("the ledger has format {got}, this program knows {FORMAT}")]
    OtherFormat {
        /// The format found.
        got: u32,
    },
    /// The database refuses to open, read or write. If the disk is full, make room and start again;
    /// if it says corruption, restore a backup or sync from other peers.
    #[error("database: {0}")]
    Database(#[from] rocksdb::Error),
    /// What is stored makes no sense. Restore a backup or sync from other peers; `audit` says what
    /// is damaged.
    #[error("damaged: {what}")]
    Damaged {
        /// What.
        what: String,
    },
    /// The genesis document cannot start a ledger.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A block cannot be decided.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The file system refuses. See the cause.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<LoadError> for StoreError {
    fn from(error: LoadError) -> Self {
        Self::Damaged {
            what: error.to_string(),
        }
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Damaged {
            what: error.to_string(),
        }
    }
}

impl From<StateError> for StoreError {
    fn from(error: StateError) -> Self {
        Self::Damaged { what: error.reason }
    }
}

/// A ledger on disk: a cheap handle.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Set by tests of a network only.
    sabotage: Option<Arc<Sabotage>>,
}

struct Inner {
    db: DB,
    dir: PathBuf,
    genesis: Genesis,
    genesis_hash: GenesisHash,
    /// The committed inner nodes and the head that they belong to: changed together.
    tip: RwLock<Tip>,
    read_model: Mutex<ReadModel>,
    /// Held by a pruning.
    pruning: Mutex<()>,
    /// Says how far acknowledgements went. Absent where nothing is written, or nothing is kept.
    mark: Option<MarkFile>,
    durability: Durability,
}

/// What a write survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Durability {
    /// Loss of power.
    Synced,
    /// Nothing: a copy that is made to be compared and thrown away.
    None,
}

/// Where the store stands.
pub(crate) struct Tip {
    pub commitment: Commitment,
    pub head: Head,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.inner.dir.display())
    }
}

impl Store {
    /// Whether a ledger lies in a directory. One whose creation was interrupted is none: `create`
    /// begins it anew.
    pub fn is_in(dir: &Path) -> bool {
        dir.join("CURRENT").is_file() && !unfinished::is(dir)
    }

    /// Creates a ledger in an empty or new directory and commits its genesis block.
    pub fn create(dir: &Path, genesis: &Genesis) -> Result<Self, StoreError> {
        Self::create_with(dir, genesis, Durability::Synced, Buffers::Usual)
    }

    /// As `create`, and sorts into files after every few blocks: for tests of crashes.
    #[doc(hidden)]
    pub fn create_tiny(dir: &Path, genesis: &Genesis) -> Result<Self, StoreError> {
        Self::create_with(dir, genesis, Durability::Synced, Buffers::Tiny)
    }

    pub(crate) fn create_with(
        dir: &Path,
        genesis: &Genesis,
        durability: Durability,
        buffers: Buffers,
    ) -> Result<Self, StoreError> {
        genesis.check()?;
        let io = |source| StoreError::Io {
            path: dir.to_owned(),
            source,
        };
        create_directory(dir).map_err(io)?;
        unfinished::clear(dir).map_err(io)?;
        if std::fs::read_dir(dir).map_err(io)?.next().is_some() {
            return Err(StoreError::NotEmpty {
                dir: dir.to_owned(),
            });
        }
        unfinished::begin(dir).map_err(io)?;
        let recovery = DBRecoveryMode::TolerateCorruptedTailRecords;
        let mut options = columns::database_options(recovery, buffers);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let db = DB::open_cf_descriptors(&options, dir, columns::descriptors(buffers))?;
        let genesis_hash = genesis.hash();
        let commitment = Commitment::new();
        let outcome = {
            let view = View::unversioned(&db);
            let ground = Ground {
                state: &view,
                commitment: &commitment,
                head: None,
                genesis: genesis_hash,
                sabotage: None,
            };
            ground.genesis(genesis)?
        };
        let block = Block {
            header: outcome.header.clone(),
            transactions: Vec::new(),
        };
        // Nobody votes on genesis: every member compares its hash.
        let certificate = Certificate {
            height: Height(0),
            round: 0,
            block: outcome.header.hash(),
            signatures: Vec::new(),
        };
        let tip = Tip {
            commitment,
            head: outcome.head.clone(),
        };
        let mut store = Self::assemble(db, dir, genesis.clone(), tip, ReadModel::default());
        if let Some(inner) = Arc::get_mut(&mut store.inner) {
            inner.durability = durability;
            if durability == Durability::Synced {
                inner.mark = Some(MarkFile::open(dir)?);
            }
        }
        let mut batch = WriteBatch::default();
        batch.put_cf(store.column(columns::META), KEY_FORMAT, encode(&FORMAT));
        batch.put_cf(store.column(columns::META), KEY_GENESIS, encode(genesis));
        store.write(&CertifiedBlock { block, certificate }, outcome, batch)?;
        unfinished::end(dir).map_err(io)?;
        Ok(store)
    }

    /// Opens a ledger for writing; recovers what a crash left.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, Buffers::Usual)
    }

    /// As `open`, and sorts into files after every few blocks: for tests of crashes.
    #[doc(hidden)]
    pub fn open_tiny(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, Buffers::Tiny)
    }

    fn open_with(dir: &Path, buffers: Buffers) -> Result<Self, StoreError> {
        check_exists(dir)?;
        if dir.join(backup::LISTING).exists() {
            return Err(StoreError::IsBackup {
                dir: dir.to_owned(),
            });
        }
        let mark = Mark::read(dir);
        let options = columns::database_options(files::recovery_mode(dir)?, buffers);
        let db = DB::open_cf_descriptors(&options, dir, columns::descriptors(buffers))
            .map_err(|error| explain(error, dir))?;
        let mut store = Self::load(db, dir, mark)?;
        let file = MarkFile::open(dir)?;
        file.write(Mark::of(&store.head().header))?;
        if let Some(inner) = Arc::get_mut(&mut store.inner) {
            inner.mark = Some(file);
        }
        Ok(store)
    }

    /// Opens a ledger for reading only, as it stands now; another process may be writing.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        // Before the database: what another process commits meanwhile is no loss.
        let mark = Mark::read(dir);
        Self::load(open_database(dir)?, dir, mark)
    }

    fn load(db: DB, dir: &Path, mark: Option<Mark>) -> Result<Self, StoreError> {
        let view = View::unversioned(&db);
        let format: u32 = view.meta(KEY_FORMAT)?.ok_or_else(|| no_ledger(dir))?;
        if format != FORMAT {
            return Err(StoreError::OtherFormat { got: format });
        }
        let genesis: Genesis = view.meta(KEY_GENESIS)?.ok_or_else(|| no_ledger(dir))?;
        let head: Head = view.meta(KEY_HEAD)?.ok_or_else(|| no_ledger(dir))?;
        if let Some(what) = mark.and_then(|mark| mark.lost_below(&head.header)) {
            return Err(StoreError::Damaged { what });
        }
        let (items, entries): (u64, u64) = view.meta(KEY_COUNTS)?.ok_or_else(|| no_ledger(dir))?;
        let commitment = load_commitment(&view, items, entries)?;
        if commitment.state_root() != head.header.state_root {
            let what = format!(
                "the state at height {} has another root than its header",
                head.header.height
            );
            return Err(StoreError::Damaged { what });
        }
        let read_model = ReadModel::load(&view)?;
        drop(view);
        Ok(Self::assemble(
            db,
            dir,
            genesis,
            Tip { commitment, head },
            read_model,
        ))
    }

    fn assemble(db: DB, dir: &Path, genesis: Genesis, tip: Tip, read_model: ReadModel) -> Self {
        let inner = Inner {
            db,
            dir: dir.to_owned(),
            genesis_hash: genesis.hash(),
            genesis,
            tip: RwLock::new(tip),
            read_model: Mutex::new(read_model),
            pruning: Mutex::new(()),
            mark: None,
            durability: Durability::Synced,
        };
        Self {
            inner: Arc::new(inner),
            sabotage: None,
        }
    }

    /// The same ledger, broken as told: blocks decided through this handle are executed so.
    #[doc(hidden)]
    #[must_use]
    pub fn with_sabotage(self, sabotage: Sabotage) -> Self {
        let sabotage = Some(Arc::new(sabotage));
        Self { sabotage, ..self }
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.genesis
    }

    /// Names the ledger.
    pub fn genesis_hash(&self) -> GenesisHash {
        self.inner.genesis_hash
    }

    /// Where the chain stands.
    pub fn head(&self) -> Head {
        self.with_tip(|tip| tip.head.clone())
    }

    /// What is committed now, and stays so for as long as the view lives.
    pub fn view(&self) -> View<'_> {
        View::new(&self.inner.db)
    }

    /// Looks at commitment and head together, with a view of the same height.
    pub(crate) fn with_tip<T>(&self, look: impl FnOnce(&Tip) -> T) -> T {
        let tip = self
            .inner
            .tip
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&tip)
    }

    /// Bytes of memory that the commitment's inner nodes take.
    pub fn commitment_bytes(&self) -> usize {
        self.with_tip(|tip| tip.commitment.memory_bytes())
    }

    /// Decides something about the next block on the committed state.
    pub fn decide<T>(&self, decide: impl FnOnce(&Ground<'_, View<'_>>) -> T) -> T {
        self.with_tip(|tip| {
            let view = self.view();
            decide(&Ground {
                state: &view,
                commitment: &tip.commitment,
                head: Some(&tip.head),
                genesis: self.inner.genesis_hash,
                sabotage: self.sabotage.as_deref(),
            })
        })
    }

    /// Commits a decided block: one batch, synced. When this returns, the height counts.
    ///
    /// # Errors
    /// The certificate proves nothing, or the disk refuses: then stop and say how to recover.
    pub fn commit(&self, block: &CertifiedBlock, outcome: Outcome) -> Result<(), StoreError> {
        let height = outcome.header.height;
        let hash = outcome.header.hash();
        let validators = match outcome
            .changes
            .entries
            .get(&Key::Chain)
            .and_then(Option::as_deref)
        {
            Some(chipledger_proof::state::Entry::Chain(chain)) => chain.validators.clone(),
            _ => {
                return Err(StoreError::Damaged {
                    what: "an outcome without chain entry".into(),
                });
            }
        };
        block
            .certificate
            .verify(&self.inner.genesis_hash, height, &hash, &validators)
            .map_err(|source| BlockError::Certificate { height, source })?;
        self.write(block, outcome, WriteBatch::default())
    }

    fn write(
        &self,
        block: &CertifiedBlock,
        outcome: Outcome,
        mut batch: WriteBatch,
    ) -> Result<(), StoreError> {
        let mut read_model = self
            .inner
            .read_model
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes = encode(block);
        batch.put_cf(
            self.column(columns::BLOCKS),
            outcome.header.height.0.to_be_bytes(),
            bytes,
        );
        let header = encode(&(&block.block.header, &block.certificate));
        batch.put_cf(
            self.column(columns::HEADERS),
            outcome.header.height.0.to_be_bytes(),
            header,
        );
        self.put_state(&mut batch, &outcome)?;
        read_model.put(&mut batch, |name| self.column(name), block, &outcome);
        let mut options = WriteOptions::default();
        match self.inner.durability {
            Durability::Synced => options.set_sync(true),
            Durability::None => options.disable_wal(true),
        }
        self.inner.db.write_opt(batch, &options)?;
        // Only now: the mark must never name a block that a crash could still take.
        if let Some(mark) = &self.inner.mark {
            mark.write(Mark::of(&outcome.header))?;
        }
        let mut tip = self
            .inner
            .tip
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        tip.commitment.apply(&outcome.plan);
        tip.head = outcome.head;
        Ok(())
    }

    fn put_state(&self, batch: &mut WriteBatch, outcome: &Outcome) -> Result<(), StoreError> {
        let (entries, windows) = (self.column(columns::ENTRIES), self.column(columns::WINDOWS));
        for ((key, entry), row) in outcome.changes.entries.iter().zip(&outcome.entry_rows) {
            match &row.entry {
                Some(bytes) => batch.put_cf(entries, &row.key, bytes),
                None => batch.delete_cf(entries, &row.key),
            }
            if let Key::Transactions(height) = key {
                match entry.as_deref().and_then(Seen::of) {
                    Some(seen) => batch.put_cf(windows, window_key(seen.until, *height), []),
                    None => {
                        if let Some(seen) = self.seen(&row.key)? {
                            batch.delete_cf(windows, window_key(seen.until, *height));
                        }
                    }
                }
            }
        }
        let (items, roots) = (
            self.column(columns::ITEMS),
            self.column(columns::PAGE_ROOTS),
        );
        for (number, page) in &outcome.pages {
            batch.put_cf(items, number.to_be_bytes(), rows::encode_page(page));
        }
        for (number, root) in outcome.plan.page_roots() {
            batch.put_cf(roots, number.to_be_bytes(), root.as_bytes());
        }
        let buckets = self.column(columns::BUCKETS);
        for (number, bucket) in &outcome.plan.buckets {
            match bucket {
                Some(rows) => {
                    batch.put_cf(buckets, number.to_be_bytes(), view::encode_bucket(rows));
                }
                None => batch.delete_cf(buckets, number.to_be_bytes()),
            }
        }
        let history = self.column(columns::HISTORY);
        for node in &outcome.history_nodes {
            batch.put_cf(
                history,
                view::history_key(node.level, node.index),
                node.hash.as_bytes(),
            );
        }
        let meta = self.column(columns::META);
        batch.put_cf(meta, KEY_HEAD, encode(&outcome.head));
        let counts = (outcome.plan.item_count, outcome.plan.entry_count);
        batch.put_cf(meta, KEY_COUNTS, encode(&counts));
        // A proof shows every set that was ever in force; state has the latest three only.
        if let Some(Entry::Chain(chain)) =
            (outcome.changes.entries.get(&Key::Chain)).and_then(Option::as_deref)
            && chain.later_validators != chain.next_validators
        {
            let digest = chain.later_validators.digest();
            let key = [KEY_VALIDATORS, digest.as_bytes()].concat();
            batch.put_cf(meta, key, encode(&chain.later_validators));
        }
        Ok(())
    }

    fn seen(&self, key: &[u8]) -> Result<Option<Seen>, StoreError> {
        let row = self.inner.db.get_cf(self.column(columns::ENTRIES), key)?;
        let Some(row) = row else { return Ok(None) };
        let entry = chipledger_proof::state::Entry::from_stored_bytes(&row)?;
        Ok(Seen::of(&entry).cloned())
    }

    fn column(&self, name: &str) -> &rocksdb::ColumnFamily {
        column(&self.inner.db, name)
    }

    /// The database, to be compared with another.
    pub(crate) fn database(&self) -> &DB {
        &self.inner.db
    }

    /// A certified block.
    pub fn block(&self, height: Height) -> Result<Option<CertifiedBlock>, StoreError> {
        let row = self
            .inner
            .db
            .get_cf(self.column(columns::BLOCKS), height.0.to_be_bytes())?;
        row.map(|row| decode(&row).map_err(StoreError::from))
            .transpose()
    }

    /// Flushes everything to sorted files and compacts: smaller, and quicker to open.
    pub fn compact(&self) -> Result<(), StoreError> {
        for name in columns::ALL {
            self.inner.db.flush_cf(self.column(name))?;
            self.inner
                .db
                .compact_range_cf::<&[u8], &[u8]>(self.column(name), None, None);
        }
        Ok(())
    }

    /// Bytes of all files of the ledger's folder; what cannot be read counts nothing.
    pub fn folder_bytes(&self) -> u64 {
        let entries = std::fs::read_dir(&self.inner.dir).into_iter().flatten();
        let files = entries.flatten().filter_map(|entry| entry.metadata().ok());
        files
            .filter(std::fs::Metadata::is_file)
            .map(|m| m.len())
            .sum()
    }

    /// Bytes on disk, by column family.
    pub fn disk_bytes(&self) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let mut sizes = Vec::new();
        for name in columns::ALL {
            let size = self.inner.db.property_int_value_cf(
                self.column(name),
                rocksdb::properties::TOTAL_SST_FILES_SIZE,
            )?;
            sizes.push((*name, size.unwrap_or(0)));
        }
        Ok(sizes)
    }
}

/// Key of a row of windows: when the last window of a block's transactions ends, and its height.
pub(crate) fn window_key(end: chipledger_schemas::time::Time, height: Height) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&end.0.to_be_bytes());
    key[8..].copy_from_slice(&height.0.to_be_bytes());
    key
}

pub(crate) fn column<'d>(db: &'d DB, name: &str) -> &'d rocksdb::ColumnFamily {
    db.cf_handle(name)
        .expect("every column family is opened with the database")
}

fn load_commitment(view: &View<'_>, items: u64, entries: u64) -> Result<Commitment, StoreError> {
    let mut roots = Vec::new();
    view.scan(columns::PAGE_ROOTS, &[], |_, row| {
        roots.push(Hash(row.try_into().unwrap_or_default()));
        Ok(true)
    })?;
    let mut buckets = vec![
        bucket_root(&[]);
        usize::try_from(chipledger_proof::bucket_count(entries)).unwrap_or(0)
    ];
    view.scan(columns::BUCKETS, &[], |key, row| {
        let number = u64::from_be_bytes(key.try_into().unwrap_or_default());
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| buckets.get_mut(number));
        if let Some(place) = place {
            *place = bucket_root(&view::decode_bucket(row));
        }
        Ok(true)
    })?;
    debug_assert_eq!(page_count(items), roots.len() as u64);
    Ok(Commitment::load(
        roots.into_iter(),
        items,
        buckets.into_iter(),
        entries,
    )?)
}

/// The rows of format and genesis, as they are stored.
pub(crate) fn origin_rows(db: &DB) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), rocksdb::Error> {
    let meta = column(db, columns::META);
    Ok((db.get_cf(meta, KEY_FORMAT)?, db.get_cf(meta, KEY_GENESIS)?))
}

/// The head, as it is stored.
pub(crate) fn head_row(db: &DB) -> Result<Option<Head>, StoreError> {
    meta_row(db.get_cf(column(db, columns::META), KEY_HEAD)?)
}

/// Opens the database for reading only, and trusts nothing in it yet.
pub(crate) fn open_database(dir: &Path) -> Result<DB, StoreError> {
    check_exists(dir)?;
    let options = columns::database_options(files::recovery_mode(dir)?, Buffers::Usual);
    let descriptors = columns::descriptors(Buffers::Usual);
    DB::open_cf_descriptors_read_only(&options, dir, descriptors, false)
        .map_err(|error| explain(error, dir))
}

fn check_exists(dir: &Path) -> Result<(), StoreError> {
    if Store::is_in(dir) {
        Ok(())
    } else {
        Err(no_ledger(dir))
    }
}

fn no_ledger(dir: &Path) -> StoreError {
    StoreError::NoLedger {
        dir: dir.to_owned(),
    }
}

fn explain(error: rocksdb::Error, dir: &Path) -> StoreError {
    let text = error.to_string();
    if text.contains("lock") && text.contains("LOCK") {
        return StoreError::Locked {
            dir: dir.to_owned(),
        };
    }
    if text.contains("Column families not opened") || text.contains("Column family not found") {
        let what = format!("it was written by another version of the program ({text})");
        return StoreError::Damaged { what };
    }
    StoreError::Database(error)
}

/// Creates a directory with all above it that are missing, and makes their names durable.
fn create_directory(dir: &Path) -> std::io::Result<()> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let missing: Vec<_> = dir.ancestors().take_while(missing).collect();
    std::fs::create_dir_all(dir)?;
    for created in missing {
        std::fs::File::open(parent(created))?.sync_all()?;
    }
    Ok(())
}

/// Makes a directory's entries durable, and its own name.
fn sync_directory(dir: &Path) -> std::io::Result<()> {
    std::fs::File::open(dir)?.sync_all()?;
    std::fs::File::open(parent(dir))?.sync_all()
}

/// The directory that has its name.
fn parent(dir: &Path) -> &Path {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Reads a row of `meta`.
pub(crate) fn meta_row<T: serde::de::DeserializeOwned>(
    row: Option<Vec<u8>>,
) -> Result<Option<T>, StoreError> {
    row.map(|row| decode_stored(&row).map_err(StoreError::from))
        .transpose()
}

/// Writes `count` rows of `bytes` bytes in key order, `batch` per synced batch, to a database of
/// its own in `dir`: the limit that benchmarks print beside the ledger's figures.
pub fn raw_writes(dir: &Path, count: u64, batch: u64, bytes: usize) -> Result<(), StoreError> {
    let recovery = DBRecoveryMode::TolerateCorruptedTailRecords;
    let mut options = columns::database_options(recovery, Buffers::Usual);
    options.create_if_missing(true);
    let db = DB::open(&options, dir)?;
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    for first in (0..count).step_by(usize::try_from(batch.max(1)).unwrap_or(usize::MAX)) {
        let mut rows = WriteBatch::default();
        for key in first..(first + batch).min(count) {
            rows.put(key.to_be_bytes(), vec![key.to_le_bytes()[0]; bytes]);
        }
        db.write_opt(rows, &synced)?;
    }
    Ok(())
}
