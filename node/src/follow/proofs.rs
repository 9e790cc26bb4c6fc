//! Proofs of the member's own items: a folder of proof files, the newest of each item, that can be
//! handed on to anyone who knows the ledger's genesis hash.
//!
//! ```text
//! <folder>/<item, escaped>.proof      a proof file, as `chipledger check` takes it
//! <folder>/versions                   what each was fetched for, to ask only for what has changed
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chipledger_proof::check::{Refusal, Statement, Verdict, check};
use chipledger_proof::trust::Pin;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, ItemId, MemberId};

/// What a proof file is named behind the item.
const KIND: &str = "proof";
/// The file of versions.
const VERSIONS: &str = "versions";

/// A proof is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// It does not hold. Its sender lies.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// It proves something else than was asked for. Its sender lies.
    #[error("it is no proof of {item}")]
    OtherStatement {
        /// The item asked for.
        item: ItemId,
    },
    /// It proves an item that is another member's. It is not kept.
    #[error("{item} is held, owned and used by others")]
    NotOwn {
        /// The item.
        item: ItemId,
    },
}

/// The folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct ProofsError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// What is kept of one item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptProof {
    /// Height that the proof is of.
    pub height: Height,
    /// What it was fetched for; none if that is not known any more.
    version: Option<Hash>,
}

/// The folder. Shared by reference.
#[derive(Debug)]
pub struct Proofs {
    dir: PathBuf,
    member: MemberId,
    genesis: GenesisHash,
    kept: Mutex<BTreeMap<ItemId, KeptProof>>,
}

/// A proof that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// Height that it is of.
    pub height: Height,
    /// Block of that height.
    pub block: BlockHash,
}

impl Proofs {
    /// Opens a folder; makes it if it is missing. Files that are no proofs of own items are left
    /// alone.
    pub fn open(dir: &Path, member: &MemberId, genesis: GenesisHash) -> Result<Self, ProofsError> {
        let io = |source| ProofsError {
            path: dir.to_owned(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(io)?;
        let versions = std::fs::read(dir.join(VERSIONS)).unwrap_or_default();
        let versions: Vec<(ItemId, Hash)> = decode(&versions).unwrap_or_default();
        let versions: BTreeMap<_, _> = versions.into_iter().collect();
        let mut kept = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_none_or(|kind| kind != KIND) {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(io)?;
            let Ok(verdict) = check(&bytes, &Pin::Genesis(genesis)) else {
                continue;
            };
            if let Statement::Item(item) = &verdict.statement
                && path == dir.join(file_name(&item.id))
            {
                let proof = KeptProof {
                    height: verdict.height,
                    version: versions.get(&item.id).copied(),
                };
                kept.insert(item.id.clone(), proof);
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            member: member.clone(),
            genesis,
            kept: Mutex::new(kept),
        })
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<ItemId, KeptProof>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Items with their proofs.
    pub fn list(&self) -> Vec<(ItemId, KeptProof)> {
        let kept = self.kept();
        kept.iter()
            .map(|(item, proof)| (item.clone(), *proof))
            .collect()
    }

    /// Whether the proof of an item is of this version.
    pub fn is_current(&self, item: &ItemId, version: &Hash) -> bool {
        let kept = self.kept();
        kept.get(item)
            .is_some_and(|proof| proof.version == Some(*version))
    }

    /// The proof file of an item.
    pub fn read(&self, item: &ItemId) -> Result<Option<Vec<u8>>, ProofsError> {
        if !self.kept().contains_key(item) {
            return Ok(None);
        }
        let path = self.dir.join(file_name(item));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ProofsError { path, source }),
        }
    }

    /// Checks a proof file from a peer: everything in it, that it is about the item asked for, and
    /// that the item is the member's.
    pub fn judge(&self, item: &ItemId, bytes: &[u8]) -> Result<Proven, Unproven> {
        let verdict: Verdict = check(bytes, &Pin::Genesis(self.genesis))?;
        let Statement::Item(stated) = &verdict.statement else {
            return Err(Unproven::OtherStatement { item: item.clone() });
        };
        if stated.id != *item {
            return Err(Unproven::OtherStatement { item: item.clone() });
        }
        if ![&stated.holder, &stated.owner, &stated.user].contains(&&self.member) {
            return Err(Unproven::NotOwn { item: item.clone() });
        }
        Ok(Proven {
            height: verdict.height,
            block: verdict.block,
        })
    }

    /// Keeps a proof that was judged, in place of an older one.
    pub fn keep(
        &self,
        item: &ItemId,
        version: Hash,
        proven: &Proven,
        bytes: &[u8],
    ) -> Result<(), ProofsError> {
        let older = self
            .kept()
            .get(item)
            .is_some_and(|kept| kept.height > proven.height);
        if older {
            return Ok(());
        }
        self.write(&file_name(item), bytes)?;
        let proof = KeptProof {
            height: proven.height,
            version: Some(version),
        };
        self.kept().insert(item.clone(), proof);
        Ok(())
    }

    /// Remembers the versions across restarts.
    pub fn save(&self) -> Result<(), ProofsError> {
        let versions: Vec<(ItemId, Hash)> = {
            let kept = self.kept();
            let known = kept.iter();
            known
                .filter_map(|(item, proof)| Some((item.clone(), proof.version?)))
                .collect()
        };
        self.write(VERSIONS, &encode(&versions))
    }

    /// Writes a file whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ProofsError> {
        let (path, beside) = (self.dir.join(name), self.dir.join(format!("{name}.new")));
        let written = std::fs::File::create(&beside)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&beside, &path));
        written.map_err(|source| ProofsError { path, source })
    }
}

/// An item's id as the name of its proof file: what is neither letter, digit nor one of `._-` is
/// escaped as in a URL.
pub fn file_name(item: &ItemId) -> String {
    let escape = |byte: u8| match byte {
        b'.' | b'_' | b'-' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let name: String = item.to_string().bytes().map(escape).collect();
    format!("{name}.{KIND}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_has_no_separator_and_no_two_items_share_one() {
        let name = |text: &str| file_name(&text.parse().unwrap());
        assert_eq!(name("FAB:1/2#a"), "FAB%3A1%2F2%23a.proof");
        assert_ne!(name("FAB:1/2"), name("FAB:1_2"));
    }
}
