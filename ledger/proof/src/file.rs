//! The proof file: one canonical container for every kind of proof. It needs no ledger and no
//! network to check, and has no byte that nothing depends on.
//!
//! ```text
//! magic (8 bytes) | version | kind and content | roots | trust | digest of all before (32 bytes)
//! ```
//!
//! Everything between magic and digest is one canonical encoding. The digest finds damage; forgery
//! is found by the paths and signatures. (A forger who turns one id into another that is absent
//! too, and seals the file anew, has made another true proof.)

use chipledger_schemas::encode::{DecodeError, decode, encode, encode_into};
use chipledger_schemas::hash::FILE;
use serde::{Deserialize, Serialize};

use crate::check::absent::AbsentProof;
use crate::check::book::BookProof;
use crate::check::equivocation::EquivocationProof;
use crate::check::item::ItemProof;
use crate::check::journey::JourneyProof;
use crate::check::totals::TotalsProof;
use crate::shown::Roots;
use crate::trust::Trust;

/// The first bytes of every proof file.
pub const MAGIC: [u8; 8] = *b"CHLPROOF";
/// The only version of a proof file; others fail closed.
pub const FILE_VERSION: u16 = 1;

/// What a file proves. The order of the variants is part of the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// An item stands so, with all its containers and its place.
    Item(Box<ItemProof>),
    /// No item has this id.
    Absent(Box<AbsentProof>),
    /// The complete pooled compute of a jurisdiction, site, owner, parent or the world.
    Totals(Box<TotalsProof>),
    /// Every record that named an item, or what contained it.
    Journey(Box<JourneyProof>),
    /// Every account.
    Book(Box<BookProof>),
    /// Evidence of what a validator's key signed twice.
    Equivocation(Box<EquivocationProof>),
}

/// A proof with all that a stranger needs to check it, given the ledger's genesis hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofFile {
    /// [`FILE_VERSION`].
    #[serde(deserialize_with = "chipledger_schemas::encode::known_version::<_, FILE_VERSION>")]
    pub version: u16,
    /// What is proven, and its paths to the roots.
    pub content: Content,
    /// The two roots that make the header's state root.
    pub roots: Roots,
    /// Why the header is to be believed.
    pub trust: Trust,
}

/// The bytes are no proof file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The file is something else. Check the path.
    #[error("this is no proof file: it does not begin with CHLPROOF")]
    NotAProof,
    /// The file was cut off or changed. Fetch it anew.
    #[error("the proof file is damaged: its digest is another")]
    Damaged,
    /// The file is from a newer program, or forged. Use a newer program, or ask another peer.
    #[error("the proof file does not read: {0}")]
    Unreadable(#[from] DecodeError),
}

impl ProofFile {
    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        encode_into(self, &mut bytes);
        seal(&mut bytes);
        bytes
    }

    /// The file in bytes. Nothing in it is checked yet but its form: see [`Self::check`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(FileError::NotAProof);
        }
        let (sealed, digest) = bytes.split_last_chunk::<32>().ok_or(FileError::Damaged)?;
        if FILE.hash(sealed).0 != *digest {
            return Err(FileError::Damaged);
        }
        let encoded = sealed.strip_prefix(&MAGIC).ok_or(FileError::Damaged)?;
        Ok(decode(encoded)?)
    }

    /// Bytes of the proof alone, without genesis document, headers, certificates and validator
    /// sets.
    pub fn content_bytes(&self) -> usize {
        encode(&(self.version, &self.content, &self.roots)).len() + MAGIC.len() + 32
    }
}

/// Appends the digest of everything before it.
pub fn seal(bytes: &mut Vec<u8>) {
    let digest = FILE.hash(bytes);
    bytes.extend_from_slice(digest.as_bytes());
}
