//! Snapshots: the whole state at a height in content-addressed chunks, so that a new node need not
//! execute history.
//!
//! ```text
//! DIR/<height>/MANIFEST       why the header is to be believed, counts, the chunks in order
//! DIR/<height>/<digest>       a chunk: items by number, then entries by key
//! ```
//!
//! Chunks are named by their digest and checked before they are parsed; the whole is compared with
//! the state root of a header that a quorum certified. Who sends a wrong chunk, or a manifest whose
//! chunks do not make that state, has lied.

use std::path::PathBuf;

use chipledger_proof::Peaks;
use chipledger_proof::file::seal;
use chipledger_proof::trust::{Pin, Start, Trust, TrustError};
use chipledger_schemas::block::Header;
use chipledger_schemas::encode::{DecodeError, decode, encode_into};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::{FILE, Hash};
use chipledger_schemas::ids::Height;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::prove::ProveError;

mod chunk;
mod import;
mod take;

pub use import::Importer;
pub use take::{delete_partial_snapshots, delete_snapshot, read_chunk, read_manifest, snapshots};

/// Most bytes of a chunk.
pub const CHUNK_BYTES_MAX: usize = 1024 * 1024;
/// Most chunks of a snapshot: 64 GiB of state.
pub const CHUNKS_MAX: usize = 65_536;
/// The only version of a manifest; others fail closed.
pub const MANIFEST_VERSION: u16 = 1;
/// The first bytes of every manifest.
const MAGIC: [u8; 8] = *b"CHLSNAPS";
/// Name of the manifest's file.
const MANIFEST: &str = "MANIFEST";

/// A chunk as the manifest names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedChunk {
    /// Its name: digest for purpose `SNAPSHOT_CHUNK`.
    pub digest: Hash,
    /// Its length, 1 to [`CHUNK_BYTES_MAX`].
    pub bytes: u32,
}

/// What a snapshot holds, and why it is to be believed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    #[serde(deserialize_with = "chipledger_schemas::encode::known_version::<_, MANIFEST_VERSION>")]
    pub version: u16,
    /// From the genesis document to the header and certificate of the snapshot's height.
    pub trust: Trust,
    /// Edge of the tree over the hashes of all headers before it.
    pub history: Peaks,
    /// Items.
    pub items: u64,
    /// Entries.
    pub entries: u64,
    /// The chunks, in order.
    pub chunks: Vec<ListedChunk>,
}

impl Manifest {
    /// The header of the snapshot.
    pub fn header(&self) -> &Header {
        &self.trust.header
    }

    /// The height whose state it is.
    pub fn height(&self) -> Height {
        self.trust.header.height
    }

    /// Bytes of all chunks.
    pub fn total_bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum()
    }

    /// Its bytes: a digest of all before stands last.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        encode_into(self, &mut bytes);
        seal(&mut bytes);
        bytes
    }

    /// The manifest in bytes; nothing in it is believed yet: see [`Self::verify`].
    ///
    /// # Errors
    /// [`SnapshotError::NoManifest`]: ask another peer.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let whole = bytes
            .split_last_chunk::<32>()
            .filter(|(sealed, digest)| FILE.hash(sealed).0 == **digest)
            .and_then(|(sealed, _)| sealed.strip_prefix(&MAGIC));
        let encoded = whole.ok_or(SnapshotError::NoManifest {
            reason: "it is damaged, or something else".to_owned(),
        })?;
        decode(encoded).map_err(|error: DecodeError| SnapshotError::NoManifest {
            reason: error.to_string(),
        })
    }

    /// Checks, from the genesis document that this node trusts, that a quorum certified the header
    /// of the snapshot, through every change of the validator set, and that the rest is in bounds.
    ///
    /// # Errors
    /// The manifest's sender lies, or means another ledger: ask another peer.
    pub fn verify(&self, genesis: &Genesis) -> Result<(), SnapshotError> {
        if !matches!(self.trust.start, Start::Genesis(_)) {
            return Err(lie("it does not begin at the genesis document"));
        }
        self.trust.verify(&Pin::Genesis(genesis.hash()))?;
        let header = self.header();
        if self.history.len() != header.height.0 || self.history.root() != header.history_root {
            return Err(lie("its history is not the header's"));
        }
        let listed = |chunk: &ListedChunk| {
            (1..=CHUNK_BYTES_MAX).contains(&usize::try_from(chunk.bytes).unwrap_or(usize::MAX))
        };
        if self.chunks.len() > CHUNKS_MAX || !self.chunks.iter().all(listed) {
            return Err(lie("its chunks are out of bounds"));
        }
        Ok(())
    }
}

/// Why a snapshot cannot be taken, read or imported. What was committed is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are no manifest. Ask another peer.
    #[error("this is no manifest of a snapshot: {reason}")]
    NoManifest {
        /// Why.
        reason: String,
    },
    /// The header is not to be believed. Ban the manifest's sender and ask another peer.
    #[error("the manifest's header: {0}")]
    Trust(#[from] TrustError),
    /// What the manifest lists is not the state of its header. Ban the manifest's sender, throw the
    /// import away and begin with another manifest.
    #[error("the manifest lies: {reason}")]
    ManifestLies {
        /// About what.
        reason: String,
    },
    /// The bytes are not the chunk that the manifest names. Ban the chunk's sender and ask another
    /// peer for it.
    #[error("chunk {index} is not the one listed: its {what} is another")]
    WrongChunk {
        /// Which, from 0.
        index: usize,
        /// Length or digest.
        what: &'static str,
    },
    /// The manifest lists no such chunk. A bug of the caller.
    #[error("there is no chunk {index}, the manifest lists {listed}")]
    NoSuchChunk {
        /// Asked for.
        index: usize,
        /// Listed.
        listed: usize,
    },
    /// Chunks are still to come. Fetch those that [`Importer::missing`] names.
    #[error("chunk {index} is missing, and {more} more")]
    MissingChunk {
        /// The first.
        index: usize,
        /// How many others.
        more: usize,
    },
    /// A chunk that was taken is not on the disk as it was written; it is asked for again. Fetch
    /// it, and mend the disk if it happens again.
    #[error("chunk {index} changed on the disk")]
    DamagedChunk {
        /// Which.
        index: usize,
    },
    /// There is nothing to take a snapshot of, or no proof of its header. Wait for the first
    /// certified block.
    #[error(transparent)]
    Prove(#[from] Box<ProveError>),
    /// The target holds something already. Choose a new directory.
    #[error("{} exists already; nothing is overwritten", dir.display())]
    Exists {
        /// The target.
        dir: PathBuf,
    },
    /// No such snapshot is kept. List those that are.
    #[error("no snapshot of height {height} is kept")]
    NotKept {
        /// Asked for.
        height: Height,
    },
    /// The store or the disk refuses. See the cause.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rocksdb::Error> for SnapshotError {
    fn from(error: rocksdb::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<crate::state::StateError> for SnapshotError {
    fn from(error: crate::state::StateError) -> Self {
        Self::Store(error.into())
    }
}

fn lie(reason: impl Into<String>) -> SnapshotError {
    SnapshotError::ManifestLies {
        reason: reason.into(),
    }
}

fn io(path: &std::path::Path) -> impl Fn(std::io::Error) -> SnapshotError + '_ {
    move |source| {
        SnapshotError::Store(StoreError::Io {
            path: path.to_owned(),
            source,
        })
    }
}
