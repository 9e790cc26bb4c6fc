//! Undecided blocks on disk: what this node may have voted for, so that a crash does not take it.
//!
//! The engine's log replays votes on a block's hash; the block itself is kept here until its height
//! is decided. One file per block, written and synced before the engine is told of the block.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chipledger_schemas::block::Block;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::ids::{BlockHash, Height};
use serde::{Deserialize, Serialize};

use super::context::PartInit;

/// An undecided block cannot be kept or read. Make room, check the permissions, start again.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct UndecidedError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// A block with what its proposer signed about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposed {
    /// What the proposer signed.
    pub init: PartInit,
    /// The block.
    pub block: Block,
}

/// The folder of undecided blocks.
#[derive(Debug)]
pub struct Undecided {
    dir: PathBuf,
}

impl Undecided {
    /// Opens the folder; makes it if it is missing.
    pub fn open(dir: &Path) -> Result<Self, UndecidedError> {
        std::fs::create_dir_all(dir).map_err(|source| failed(dir, source))?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    fn path(&self, height: Height, block: &BlockHash) -> PathBuf {
        self.dir.join(format!("{:020}-{block}", height.0))
    }

    /// Keeps a block; when this returns, it survives a loss of power.
    pub fn keep(&self, proposed: &Proposed) -> Result<(), UndecidedError> {
        let path = self.path(proposed.block.header.height, &proposed.init.block);
        if path.exists() {
            return Ok(());
        }
        let next = path.with_extension("next");
        let written = File::create(&next).and_then(|mut file| {
            file.write_all(&encode(proposed))?;
            file.sync_data()?;
            std::fs::rename(&next, &path)?;
            File::open(&self.dir)?.sync_all()
        });
        written.map_err(|source| failed(&path, source))
    }

    /// Blocks kept for a height. A file that a crash left unfinished, or that is damaged, is as
    /// good as none: the block comes again from a peer.
    pub fn of_height(&self, height: Height) -> Result<Vec<Proposed>, UndecidedError> {
        let prefix = format!("{:020}-", height.0);
        let mut found = Vec::new();
        for path in self.files()? {
            if !name_of(&path).starts_with(&prefix) || path.extension().is_some() {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(|source| failed(&path, source))?;
            if let Ok(proposed) = decode::<Proposed>(&bytes)
                && proposed.block.header.hash() == proposed.init.block
            {
                found.push(proposed);
            }
        }
        Ok(found)
    }

    /// Drops the blocks of all heights up to `height`: it is decided.
    pub fn decided(&self, height: Height) -> Result<(), UndecidedError> {
        for path in self.files()? {
            let kept: Option<u64> = name_of(&path)
                .split('-')
                .next()
                .and_then(|digits| digits.parse().ok());
            if kept.is_none_or(|kept| kept <= height.0) {
                std::fs::remove_file(&path).map_err(|source| failed(&path, source))?;
            }
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>, UndecidedError> {
        let list = || -> std::io::Result<Vec<PathBuf>> {
            let mut paths = Vec::new();
            for entry in std::fs::read_dir(&self.dir)? {
                paths.push(entry?.path());
            }
            paths.sort();
            Ok(paths)
        };
        list().map_err(|source| failed(&self.dir, source))
    }
}

fn name_of(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn failed(path: &Path, source: std::io::Error) -> UndecidedError {
    UndecidedError {
        path: path.to_owned(),
        source,
    }
}
