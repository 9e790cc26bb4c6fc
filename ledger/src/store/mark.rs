//! The height mark: a note beside the database of the last block that was acknowledged.
//!
//! A log that lost its last records, cut exactly between two of them, reads as a whole log: in a
//! copied directory nothing else would tell that blocks are missing. The mark is written after the
//! block's batch is synced and is never synced itself, so that it costs one small write. Whatever
//! a crash leaves of it, it names no block that the disk did not have before: a ledger that ends
//! below its mark was damaged, and never only interrupted.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chipledger_schemas::block::Header;
use chipledger_schemas::hash::{FILE, Hash};
use chipledger_schemas::ids::{BlockHash, Height};

use super::StoreError;

/// Name of the file.
pub(crate) const NAME: &str = "HEIGHT";
/// Version of its bytes; others are no mark.
const MAGIC: [u8; 8] = *b"CHIPHGT1";
const BODY_BYTES: usize = 8 + 8 + 32;

/// The last block that was acknowledged, as far as a file knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub height: Height,
    pub block: BlockHash,
}

impl Mark {
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            height: header.height,
            block: header.hash(),
        }
    }

    /// The mark in a directory. None at all, or one that a crash left half written, says nothing.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let bytes = std::fs::read(dir.join(NAME)).ok()?;
        let (body, digest) = bytes.split_first_chunk::<BODY_BYTES>()?;
        if digest != FILE.hash(body).as_bytes() || body[..8] != MAGIC {
            return None;
        }
        Some(Self {
            height: Height(u64::from_le_bytes(body[8..16].try_into().ok()?)),
            block: BlockHash(Hash(body[16..].try_into().ok()?)),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.height.0.to_le_bytes());
        bytes.extend(self.block.0.as_bytes());
        let digest = FILE.hash(&bytes);
        bytes.extend(digest.as_bytes());
        bytes
    }

    /// Says what is missing, if a ledger with this head lost what the mark names.
    pub(crate) fn lost_below(&self, head: &Header) -> Option<String> {
        let Self { height, block } = self;
        if *height > head.height {
            return Some(format!(
                "{NAME} says that block {height} was committed, and the last one here is {}: blocks \
                 were lost from the end of a log, or the directory was copied while it was written",
                head.height
            ));
        }
        let other = *height == head.height && *block != head.hash();
        other.then(|| format!("{NAME} names another block of height {height}: {block}"))
    }
}

/// The file that the mark is written to, over and over.
#[derive(Debug)]
pub(super) struct MarkFile {
    path: PathBuf,
    file: File,
}

impl MarkFile {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(NAME);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        match options.open(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    pub(super) fn write(&self, mark: Mark) -> Result<(), StoreError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&mark.bytes()))
            .map_err(|source| StoreError::Io {
                path: self.path.clone(),
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_written_and_half_a_mark_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Mark::read(dir.path()), None);
        let mark = Mark {
            height: Height(7),
            block: BlockHash(Hash([9; 32])),
        };
        let file = MarkFile::open(dir.path()).unwrap();
        for height in [3, 7] {
            let height = Height(height);
            file.write(Mark { height, ..mark }).unwrap();
        }
        assert_eq!(Mark::read(dir.path()), Some(mark));
        let whole = mark.bytes();
        for length in 0..whole.len() {
            std::fs::write(dir.path().join(NAME), &whole[..length]).unwrap();
            assert_eq!(Mark::read(dir.path()), None, "{length} bytes");
        }
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            std::fs::write(dir.path().join(NAME), flipped).unwrap();
            assert_eq!(Mark::read(dir.path()), None, "byte {place}");
        }
    }
}
