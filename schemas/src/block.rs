//! Blocks: ordered transactions, and the header that validators vote on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::encode::encode;
use crate::hash::{self, Hash};
use crate::ids::{BlockHash, GenesisHash, Height, MemberId};
use crate::time::Time;
use crate::transaction::Transaction;

/// The only version of a header; others fail closed.
pub const HEADER_VERSION: u16 = 1;
/// The protocol version that this program executes.
pub const PROTOCOL_VERSION: u32 = 1;

/// What a block's hash covers. A certificate over it signs the state and the past.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`HEADER_VERSION`].
    #[serde(deserialize_with = "crate::encode::known_version::<_, HEADER_VERSION>")]
    pub version: u16,
    /// The ledger.
    pub genesis: GenesisHash,
    /// Number of the block.
    pub height: Height,
    /// Round of consensus in which it was first proposed.
    pub round: u32,
    /// Block time.
    pub time: Time,
    /// Hash of the block before; zero for height 0.
    pub parent: BlockHash,
    /// Who proposed it.
    pub proposer: MemberId,
    /// Merkle root over the signed transactions.
    pub transactions_root: Hash,
    /// Merkle root over the whole state after this block.
    pub state_root: Hash,
    /// Append-only Merkle root over the hashes of all earlier headers.
    pub history_root: Hash,
    /// Digest of the validator set that certifies this block.
    pub validators: Hash,
    /// Digest of the validator set that certifies the next block.
    pub next_validators: Hash,
    /// Protocol version by which it was executed.
    pub protocol: u32,
}

impl Header {
    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        BlockHash(hash::HEADER.hash(&encode(self)))
    }
}

/// A header with its transactions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What its hash covers.
    pub header: Header,
    /// The transactions, in order.
    pub transactions: Vec<Transaction>,
}

/// A block that a quorum has certified.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertifiedBlock {
    /// The block.
    pub block: Block,
    /// The quorum's signatures over its hash.
    pub certificate: Certificate,
}
