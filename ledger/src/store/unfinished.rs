//! A ledger whose creation a crash cut short is no ledger: a file says so from before the first of
//! its files until its genesis block is durable.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{files, mark, sync_directory};

/// Name of that file.
const NAME: &str = "UNFINISHED";
/// What RocksDB calls a file until it has its name.
const TEMPORARY: &str = ".dbtmp";

/// Whether the creation was begun and not ended.
pub(super) fn is(dir: &Path) -> bool {
    dir.join(NAME).exists()
}

pub(super) fn begin(dir: &Path) -> io::Result<()> {
    File::create_new(dir.join(NAME))?;
    sync_directory(dir)
}

pub(super) fn end(dir: &Path) -> io::Result<()> {
    fs::remove_file(dir.join(NAME))?;
    sync_directory(dir)
}

/// Removes what an unfinished creation left, and nothing else; a directory without is as it was.
pub(super) fn clear(dir: &Path) -> io::Result<()> {
    if !is(dir) {
        return Ok(());
    }
    for name in files::names(dir)? {
        if files::is_database(&name) || name == mark::NAME || name.ends_with(TEMPORARY) {
            fs::remove_file(dir.join(name))?;
        }
    }
    // Before the sign is gone nothing may be left that looks like a ledger.
    sync_directory(dir)?;
    fs::remove_file(dir.join(NAME))
}
