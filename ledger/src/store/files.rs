//! The files of a data directory, byte for byte: which carry truth, and which of those are damaged.
//!
//! RocksDB protects its blocks and log records, yet a few bytes escape it: a wrong length in the
//! last block of a log looks like a write that never ended, and the padding of a table's footer is
//! not covered at all. Reading the formats here closes both gaps, so that no flipped byte passes
//! and no block that was acknowledged is dropped in silence.

use std::path::Path;

use rocksdb::DBRecoveryMode;

use super::StoreError;

mod checksum;
mod log;
mod table;

use log::{LogEnd, is_padded, read_log};

/// Damage in one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileDamage {
    /// The file, by its name in the directory.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

/// What a file of the directory is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FileKind {
    /// Sorted rows.
    Table,
    /// Rows not yet sorted: the write-ahead log.
    Log,
    /// Which tables and logs count.
    Manifest,
    /// Names the manifest.
    Current,
    /// Carries no truth: RocksDB's diary, its lock, its options (this program brings its own), its
    /// identity (the manifest repeats it).
    NoTruth,
    /// Not one of RocksDB's.
    Foreign,
}

fn kind_of(name: &str) -> FileKind {
    match name {
        "CURRENT" => FileKind::Current,
        "LOCK" | "IDENTITY" => FileKind::NoTruth,
        _ if name == "LOG" || name.starts_with("LOG.old.") => FileKind::NoTruth,
        _ if name.starts_with("OPTIONS-") => FileKind::NoTruth,
        _ if name.starts_with("MANIFEST-") => FileKind::Manifest,
        _ => match name.rsplit_once('.') {
            Some((_, "sst")) => FileKind::Table,
            Some((_, "log")) => FileKind::Log,
            _ => FileKind::Foreign,
        },
    }
}

/// Whether a file carries truth: if not, a ledger without it, or with any bytes in it, is the same
/// ledger.
pub fn carries_truth(name: &str) -> bool {
    !matches!(kind_of(name), FileKind::NoTruth | FileKind::Foreign)
}

/// Whether a file is one of the database's, by its name.
pub(super) fn is_database(name: &str) -> bool {
    kind_of(name) != FileKind::Foreign
}

/// Names of the files in a directory, sorted.
pub(crate) fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads every file that carries truth and says what is damaged. Blocks of rows are left to
/// RocksDB, which checks them as they are read.
///
/// # Errors
/// When the directory cannot be listed.
pub fn check_files(dir: &Path) -> std::io::Result<Vec<FileDamage>> {
    let names = names(dir)?;
    let mut damages = Vec::new();
    for name in &names {
        let what = match (kind_of(name), std::fs::read(dir.join(name))) {
            (FileKind::NoTruth | FileKind::Foreign, _) => continue,
            (_, Err(error)) => Some(error.to_string()),
            (FileKind::Current, Ok(bytes)) => check_current(&bytes, &names).err(),
            (FileKind::Table, Ok(bytes)) => table::check_table(&bytes).err(),
            (FileKind::Manifest | FileKind::Log, Ok(bytes)) => match read_log(&bytes).end {
                LogEnd::Damaged { at, why } => Some(format!("at byte {at}: {why}")),
                LogEnd::Complete | LogEnd::Torn { .. } => None,
            },
        };
        damages.extend(what.map(|what| FileDamage {
            file: name.clone(),
            what,
        }));
    }
    Ok(damages)
}

fn check_current(bytes: &[u8], names: &[String]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    match text.strip_suffix('\n') {
        Some(name) if kind_of(name) == FileKind::Manifest && names.iter().any(|n| n == name) => {
            Ok(())
        }
        _ => Err(format!(
            "names no manifest that is here: {:?}",
            text.trim_end()
        )),
    }
}

/// RocksDB passes over the end of a manifest that is cut short, and takes one whose last write is
/// filled up with zeros for damage, without a word of where. Nothing is cut off here: a manifest
/// names every file, so that a person decides, who is told what to do.
///
/// # Errors
/// [`StoreError::Damaged`], naming file and byte.
fn check_manifest(dir: &Path) -> Result<(), StoreError> {
    // What is missing or no text is for RocksDB to tell.
    let Ok(current) = std::fs::read_to_string(dir.join("CURRENT")) else {
        return Ok(());
    };
    let name = current.trim_end();
    if kind_of(name) != FileKind::Manifest {
        return Ok(());
    }
    let Ok(bytes) = std::fs::read(dir.join(name)) else {
        return Ok(());
    };
    match read_log(&bytes).end {
        LogEnd::Torn { at } if is_padded(&bytes, usize::try_from(at).unwrap_or(usize::MAX)) => {
            Err(StoreError::Damaged {
                what: format!(
                    "{name} at byte {at}: its end reads as zeros, as a power failure leaves it; no \
                 block is in it: copy the directory, cut the file with `truncate -s {at}`, and \
                 open the ledger again"
                ),
            })
        }
        _ => Ok(()),
    }
}

/// Decides how the logs are to be replayed: a write that a crash cut short was never acknowledged
/// and is left out; anything else that is wrong may hide blocks that were.
///
/// # Errors
/// [`StoreError::Damaged`], naming file and byte.
pub(super) fn recovery_mode(dir: &Path) -> Result<DBRecoveryMode, StoreError> {
    let io = |source| StoreError::Io {
        path: dir.to_owned(),
        source,
    };
    let names = names(dir).map_err(io)?;
    check_manifest(dir)?;
    let mut torn: Option<(String, u64)> = None;
    for name in names {
        if kind_of(&name) != FileKind::Log {
            continue;
        }
        let bytes = match std::fs::read(dir.join(&name)) {
            Ok(bytes) => bytes,
            // Another process that writes here has just done with it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io(error)),
        };
        let read = read_log(&bytes);
        let damaged = |file: &str, at: u64, why: &str| {
            let what = format!("{file} at byte {at}: {why}; blocks behind it may be lost");
            Err(StoreError::Damaged { what })
        };
        // A block is only written once the one before it is synced: nothing follows a torn write.
        if let Some((file, at)) = torn.as_ref().filter(|_| read.records > 0) {
            return damaged(file, *at, "cut short, although a later log has records");
        }
        match read.end {
            LogEnd::Complete => {}
            LogEnd::Torn { at } => torn = torn.or(Some((name, at))),
            LogEnd::Damaged { at, why } => return damaged(&name, at, why),
        }
    }
    Ok(match torn {
        Some(_) => DBRecoveryMode::PointInTime,
        None => DBRecoveryMode::TolerateCorruptedTailRecords,
    })
}
