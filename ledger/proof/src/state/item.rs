//! An item's state: the leaf under its number.

use chipledger_schemas::encode::{encode, encode_into};
use chipledger_schemas::hash::{self, Hash};
use chipledger_schemas::ids::{Height, ItemId, MemberId, PublicKey, RecordId};
use chipledger_schemas::movement::{Facts, Movement};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Status, UnitKind};
use serde::{Deserialize, Serialize};

/// Version byte of an item's canonical bytes.
const ITEM_VERSION: u8 = 1;

/// Dense number of a catalogue model: its position in the catalogue leaf.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelNumber(pub u16);

/// A chip of a model, or a container.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// One accelerator.
    Chip(ModelNumber),
    /// A container.
    Unit(UnitKind),
}

impl ItemKind {
    /// Whether a unit of kind `outer` may contain this.
    pub fn fits_into(self, outer: UnitKind) -> bool {
        match self {
            Self::Chip(_) => true,
            Self::Unit(inner) => inner < outer,
        }
    }
}

/// So many chips inside a unit that agree in model and facts. Absent facts are the unit's own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ContentRow {
    /// The model.
    pub model: ModelNumber,
    /// Owner, where it differs from the unit's.
    pub owner: Option<MemberId>,
    /// User, where it differs from the unit's.
    pub user: Option<MemberId>,
    /// Status, where it differs from the unit's.
    pub status: Option<Status>,
    /// Whether a dispute is open on the chip, or on something inside the unit that contains it.
    pub disputed: bool,
    /// How many chips.
    pub count: u64,
}

impl ContentRow {
    /// Whether two rows count the same thing.
    pub fn same_kind(&self, other: &Self) -> bool {
        self.model == other.model
            && self.owner == other.owner
            && self.user == other.user
            && self.status == other.status
            && self.disputed == other.disputed
    }
}

/// What kind of evidence last named an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// One party says so.
    Declared,
    /// Shipper and receiver agree.
    TwoSided,
    /// Customs saw papers or goods.
    Customs,
    /// An inspector saw it.
    Inspected,
    /// Location or device evidence.
    Attested,
}

/// The best recent evidence of an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// Event time.
    pub at: Time,
}

/// The movement that a correction would undo.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LastMovement {
    /// Held whole.
    Known(Movement),
    /// The one after it was undone; a correction of this one carries it, and its digest is
    /// compared.
    Below {
        /// Its digest; zero when nothing is left to undo.
        digest: Hash,
        /// Its event time.
        occurred_at: Time,
    },
}

impl LastMovement {
    /// Event time of the item's last movement.
    pub fn occurred_at(&self) -> Time {
        match self {
            Self::Known(movement) => movement.occurred_at,
            Self::Below { occurred_at, .. } => *occurred_at,
        }
    }

    /// Digest that the next movement commits to.
    pub fn digest(&self) -> Hash {
        match self {
            Self::Known(movement) => movement.digest(),
            Self::Below { digest, .. } => *digest,
        }
    }
}

/// What is true of an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// Chip or unit.
    pub kind: ItemKind,
    /// Place or container, title, use, status.
    pub facts: Facts,
    /// Chips inside, for a unit: sorted, at most 32 rows.
    pub content: Vec<ContentRow>,
    /// Latest event time at which something inside a unit moved in, out or within; the epoch for a
    /// chip. A unit does not move before it, or its content would be in two places.
    pub content_at: Time,
    /// Its latest movement.
    pub movement: LastMovement,
    /// Records that named it so far.
    pub events: u32,
    /// Chain over those records: complete, in order.
    pub history: Hash,
    /// Members with a dispute open on it: sorted, each once.
    pub disputes: Vec<MemberId>,
    /// Whether its origin is unverified opening stock.
    pub unverified: bool,
    /// Its registered attestation key.
    pub device_key: Option<PublicKey>,
    /// The latest evidence that named it.
    pub evidence: Evidence,
}

impl Item {
    /// The leaf's digest.
    pub fn digest(&self) -> Hash {
        hash::ITEM.hash(&self.bytes())
    }

    /// Canonical bytes with their version.
    pub fn bytes(&self) -> Vec<u8> {
        encode(&(ITEM_VERSION, self))
    }

    /// Appends its canonical bytes with their version.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        encode_into(&(ITEM_VERSION, self), bytes);
    }

    /// The item in canonical bytes, if their version is known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, chipledger_schemas::encode::DecodeError> {
        let (version, item): (u8, Self) = chipledger_schemas::encode::decode(bytes)?;
        if version == ITEM_VERSION {
            return Ok(item);
        }
        Err(chipledger_schemas::encode::DecodeError::Malformed {
            reason: format!("item version {version}"),
        })
    }

    /// As [`Self::from_bytes`], for bytes that this program wrote itself and that a digest covers.
    pub fn from_stored_bytes(
        bytes: &[u8],
    ) -> Result<Self, chipledger_schemas::encode::DecodeError> {
        let (_, item): (u8, Self) = chipledger_schemas::encode::decode_stored(bytes)?;
        Ok(item)
    }

    /// Whether a dispute is open on it.
    pub fn is_disputed(&self) -> bool {
        !self.disputes.is_empty()
    }

    /// Chips that it stands for, in its own frame: itself, or its content.
    pub fn rows(&self) -> Vec<ContentRow> {
        let disputed = self.is_disputed();
        match self.kind {
            ItemKind::Chip(model) => {
                vec![ContentRow {
                    model,
                    owner: None,
                    user: None,
                    status: None,
                    disputed,
                    count: 1,
                }]
            }
            ItemKind::Unit(_) => {
                let marked = |row: &ContentRow| ContentRow {
                    disputed: row.disputed || disputed,
                    ..row.clone()
                };
                self.content.iter().map(marked).collect()
            }
        }
    }
}

/// The history of an item after one more record named it.
pub fn next_history(history: &Hash, record: RecordId, height: Height) -> Hash {
    let mut bytes = [0; 72];
    bytes[..32].copy_from_slice(history.as_bytes());
    bytes[32..64].copy_from_slice(record.0.as_bytes());
    bytes[64..].copy_from_slice(&height.0.to_le_bytes());
    hash::ITEM_HISTORY.hash(&bytes)
}
