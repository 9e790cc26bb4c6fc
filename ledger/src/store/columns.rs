//! Column families by purpose, and how RocksDB keeps them. Byte layout in `docs/format.md`.

use rocksdb::{
    BlockBasedOptions, Cache, ChecksumType, ColumnFamilyDescriptor, DBCompressionType,
    DBRecoveryMode, Options, SliceTransform,
};

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $text;)*
        /// Every column family.
        pub(crate) const ALL: &[&str] = &[$($name,)*];
    };
}

columns! {
    /// `format`, `genesis`, `head`, and counters.
    META = "meta",
    /// Height to certified block.
    BLOCKS = "blocks",
    /// Height to header and certificate.
    HEADERS = "headers",
    /// Key to entry.
    ENTRIES = "entries",
    /// Page number to eight items.
    ITEMS = "items",
    /// Page number to page root.
    PAGE_ROOTS = "page_roots",
    /// Bucket number to the digests of its entries.
    BUCKETS = "buckets",
    /// Complete nodes of the history tree.
    HISTORY = "history",
    /// Last end of the windows of a block's transactions, and its height.
    WINDOWS = "windows",
    /// Transaction id to height and index (derived). Rows of transactions whose window is open
    /// say what was seen: they must stay.
    TRANSACTIONS = "transactions",
    /// What happened to items, by 64 numbers and height (derived).
    MOVEMENTS = "movements",
    /// Postings by height, many records a row (derived).
    POSTINGS = "postings",
    /// Account number to account (derived).
    ACCOUNTS = "accounts",
    /// Versions of members and sites by height (derived).
    VERSIONS = "versions",
}

/// Bytes of the block cache that all column families share.
const CACHE_BYTES: usize = 256 * 1024 * 1024;

/// Bytes of rows in memory that are not yet in sorted files.
const WRITTEN_BYTES: usize = 96 * 1024 * 1024;

/// How much is kept in memory and in logs before it is sorted into files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Buffers {
    /// What a busy ledger wants.
    Usual,
    /// Next to nothing: files are written, merged and listed anew within a few blocks, so that a
    /// test of crashes meets all of that.
    Tiny,
}

/// Options of the database. How logs are replayed is decided by `files::recovery_mode`.
pub(crate) fn database_options(recovery: DBRecoveryMode, buffers: Buffers) -> Options {
    let mut options = Options::default();
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(1024 * 1024);
    options.set_max_total_wal_size(256 * 1024 * 1024);
    // Of all column families together: a node's memory settles within minutes, not days.
    options.set_db_write_buffer_size(WRITTEN_BYTES);
    options.set_keep_log_file_num(2);
    options.set_max_open_files(512);
    options.set_paranoid_checks(true);
    // A log that is missing or short, though a later one counts, is damage.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_wal_recovery_mode(recovery);
    if buffers == Buffers::Tiny {
        options.set_max_total_wal_size(64 * 1024);
        options.set_max_manifest_file_size(4 * 1024);
    }
    options
}

/// Every column family with its options.
pub(crate) fn descriptors(buffers: Buffers) -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let descriptor = |name: &&str| {
        let mut options = column_options(name, &cache);
        if buffers == Buffers::Tiny {
            options.set_level_zero_file_num_compaction_trigger(2);
        }
        ColumnFamilyDescriptor::new(*name, options)
    };
    ALL.iter().map(descriptor).collect()
}

fn column_options(name: &str, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(if name == BLOCKS { 64 * 1024 } else { 8 * 1024 });
    // `store/files/table.rs` reads this format and this checksum.
    table.set_format_version(5);
    table.set_checksum_type(ChecksumType::CRC32c);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if matches!(name, ENTRIES | TRANSACTIONS) {
        table.set_bloom_filter(10.0, false);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_write_buffer_size(if matches!(name, ITEMS | MOVEMENTS | BLOCKS | BUCKETS) {
        64 * 1024 * 1024
    } else {
        16 * 1024 * 1024
    });
    if name == MOVEMENTS {
        options.set_prefix_extractor(SliceTransform::create_fixed_prefix(8));
    }
    options
}
