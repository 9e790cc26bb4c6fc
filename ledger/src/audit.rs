//! Audit: believes nothing but the blocks, re-derives everything from them, and compares.
//!
//! Every signature and certificate is checked again, every block executed again on an empty ledger
//! and its header compared, then every row of every column family with the row that follows from
//! the blocks, and at last the books with the items, chip by chip. What RocksDB's own checksums and
//! the bytes around them say is damaged is told by file. Of a ledger without its first blocks it
//! judges what can be judged (`rest.rs`), and says from which height on.

use std::path::Path;

use chipledger_schemas::encode::decode;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{GenesisHash, Height};
use rocksdb::DB;

use crate::store::columns::Buffers;
use crate::store::mark::{self, Mark};
use crate::store::{
    Backup, BackupError, Durability, FileDamage, LISTING, Store, StoreError, View, check_files,
    head_row, open_database,
};

mod books;
mod replay;
mod rest;
mod rows;

pub use books::{BooksError, check_books};
pub use rows::RowFault;

/// The most damages that a report lists; it counts them all.
pub const DAMAGES_MAX: usize = 100;

/// Why a directory could not be audited at all. Damage is no such reason: it is in the [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The directory holds no ledger, or one that this program cannot judge. See the cause.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room to re-derive the ledger. Point `TMPDIR` to a disk with as much room as the
    /// ledger has.
    #[error("cannot re-derive the ledger in {}: {source}", std::env::temp_dir().display())]
    Scratch {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What an audit found.
#[derive(Clone, Default, Debug)]
pub struct Report {
    /// The ledger, by its genesis document; absent if that is unreadable.
    pub genesis: Option<GenesisHash>,
    /// The first height whose block is held. Above 0 the ledger was pruned, or came from a
    /// snapshot: then blocks are not executed again, but compared with what a quorum certified.
    pub first: Height,
    /// The last height that was re-executed, or compared.
    pub height: Height,
    /// Transactions executed again.
    pub transactions: u64,
    /// Signatures verified again: authors', co-signers' and validators'.
    pub signatures: u64,
    /// Items re-derived.
    pub items: u64,
    /// Rows compared.
    pub rows: u64,
    /// The first damages, at most [`DAMAGES_MAX`].
    pub damages: Vec<Damage>,
    /// How many there are.
    pub damage_count: u64,
}

impl Report {
    /// Whether nothing is damaged.
    pub fn passes(&self) -> bool {
        self.damage_count == 0
    }

    fn add(&mut self, damage: Damage) {
        self.damage_count += 1;
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(damage);
        }
    }

    fn add_file(&mut self, damage: FileDamage) {
        self.add(Damage::File(damage));
    }

    /// Damage that RocksDB tells about, by the file that it names.
    fn add_database(&mut self, error: &rocksdb::Error) {
        let what = error.to_string();
        let file = file_named_in(&what).unwrap_or_else(|| "the database".to_owned());
        self.add_file(FileDamage { file, what });
    }
}

/// Something that is not as it was written, or not as the blocks say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Damage {
    /// A file.
    File(FileDamage),
    /// A block that does not follow from the one before it: nothing behind it could be judged.
    Block {
        /// Its height.
        height: Height,
        /// What is wrong with it.
        what: String,
    },
    /// A row.
    Row {
        /// Its column family.
        column: &'static str,
        /// Its key, in words.
        key: String,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// The books differ from the items.
    Books {
        /// The first difference.
        what: String,
    },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(damage) => write!(f, "file {}: {}", damage.file, damage.what),
            Self::Block { height, what } => write!(f, "block {height}: {what}"),
            Self::Row { column, key, fault } => write!(f, "{column}, {key}: {fault}"),
            Self::Books { what } => write!(f, "the books: {what}"),
        }
    }
}

/// How far an audit has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It reads the files.
    Files,
    /// It executes blocks again.
    Blocks {
        /// Done, genesis included.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// It compares rows.
    Rows {
        /// The column family.
        column: &'static str,
        /// Rows compared so far, in all of them.
        done: u64,
    },
    /// It sums up the books.
    Books,
}

/// Audits the ledger in a directory, or a backup, and changes nothing there. Needs room for a
/// second copy in the temporary directory while it runs.
///
/// # Errors
/// [`AuditError`] when it cannot be judged; what is damaged is in the report.
pub fn audit(dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, AuditError> {
    let mut report = Report::default();
    progress(Progress::Files);
    // Before the database: what another process commits meanwhile is no loss.
    let mark = Mark::read(dir);
    audit_files(dir, &mut report)?;
    let db = match open_database(dir) {
        Ok(db) => db,
        Err(error @ (StoreError::Database(_) | StoreError::Damaged { .. })) => {
            if report.passes() {
                let what = error.to_string();
                let file = file_named_in(&what).unwrap_or_else(|| "the database".to_owned());
                report.add_file(FileDamage { file, what });
            }
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    let Some(genesis) = audit_genesis(&db, &mut report)? else {
        return Ok(report);
    };
    // A head that does not read is found below.
    if let Ok(Some(head)) = head_row(&db)
        && let Some(what) = mark.and_then(|mark| mark.lost_below(&head.header))
    {
        let file = mark::NAME.to_owned();
        report.add_file(FileDamage { file, what });
    }
    // A row that does not read is compared with the others: a whole ledger has none.
    if let Ok(first) = View::unversioned(&db).first_height()
        && first > Height(0)
    {
        rest::audit(&db, &genesis, first, &mut report, progress)?;
        return Ok(report);
    }
    let scratch = tempfile::tempdir().map_err(|source| AuditError::Scratch { source })?;
    let derived = Store::create_with(
        &scratch.path().join("ledger"),
        &genesis,
        Durability::None,
        Buffers::Usual,
    )?;
    if replay::replay(&db, &derived, &mut report, progress)? {
        rows::compare(&db, derived.database(), &mut report, progress);
        progress(Progress::Books);
        if report.passes()
            && let Err(error) = check_books(&View::unversioned(&db))
        {
            report.add(Damage::Books {
                what: error.to_string(),
            });
        }
    }
    Ok(report)
}

fn audit_files(dir: &Path, report: &mut Report) -> Result<(), AuditError> {
    let io = |source| StoreError::Io {
        path: dir.to_owned(),
        source,
    };
    if !dir.is_dir() {
        return Err(StoreError::NoLedger {
            dir: dir.to_owned(),
        }
        .into());
    }
    if dir.join(LISTING).exists() {
        match Backup::verify(dir) {
            Ok(_) => {}
            Err(BackupError::Damaged { damages }) => {
                damages.into_iter().for_each(|d| report.add_file(d));
            }
            Err(BackupError::Store(error)) => return Err(error.into()),
            Err(other) => report.add_file(FileDamage {
                file: LISTING.to_owned(),
                what: other.to_string(),
            }),
        }
    }
    for damage in check_files(dir).map_err(io)? {
        let known = report
            .damages
            .iter()
            .any(|d| matches!(d, Damage::File(d) if d.file == damage.file));
        if !known {
            report.add_file(damage);
        }
    }
    Ok(())
}

fn audit_genesis(db: &DB, report: &mut Report) -> Result<Option<Genesis>, AuditError> {
    let (format, genesis) = match crate::store::origin_rows(db) {
        Ok(rows) => rows,
        Err(error) => {
            report.add_database(&error);
            return Ok(None);
        }
    };
    let damage = |key: &str, fault| Damage::Row {
        column: "meta",
        key: key.to_owned(),
        fault,
    };
    let Some(genesis) = genesis else {
        report.add(damage("genesis", RowFault::Missing));
        return Ok(None);
    };
    match format.as_deref().map(decode::<u32>) {
        Some(Ok(crate::store::FORMAT)) => {}
        Some(Ok(got)) => return Err(StoreError::OtherFormat { got }.into()),
        Some(Err(_)) => report.add(damage("format", RowFault::Differs)),
        None => report.add(damage("format", RowFault::Missing)),
    }
    let document = decode::<Genesis>(&genesis)
        .ok()
        .filter(|document| document.check().is_ok());
    match document {
        Some(document) => {
            report.genesis = Some(document.hash());
            Ok(Some(document))
        }
        None => {
            report.add(damage("genesis", RowFault::Differs));
            Ok(None)
        }
    }
}

/// The file that a message of the database names.
fn file_named_in(message: &str) -> Option<String> {
    let words = message.split(|c: char| c.is_whitespace() || "'\",;()".contains(c));
    let name = |word: &str| {
        word.rsplit('/')
            .next()
            .unwrap_or(word)
            .trim_end_matches(['.', ':'])
            .to_owned()
    };
    let is_file = |name: &String| {
        let kind = name.rsplit_once('.').map(|(_, kind)| kind);
        matches!(kind, Some("sst" | "log")) || name.starts_with("MANIFEST-") || name == "CURRENT"
    };
    words.map(name).find(is_file)
}
