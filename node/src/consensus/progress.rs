//! How far the node is: what others are told after every block, and where consensus stands.

use chipledger_schemas::block::Header;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, Height, MemberId, TransactionId};
use chipledger_schemas::time::Time;

/// A block that was just committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: BlockHash,
    /// Ids of its transactions, in order.
    pub transactions: Vec<TransactionId>,
    /// Item-events of all of them.
    pub item_events: u64,
}

/// Where consensus stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The last height committed.
    pub height: Height,
    /// Hash of its block.
    pub block: BlockHash,
    /// Its state root.
    pub state_root: Hash,
    /// Its block time.
    pub time: Time,
    /// Protocol version in force.
    pub protocol: u32,
    /// The round of the height that is being decided.
    pub round: u32,
    /// Whose turn it is.
    pub proposer: Option<MemberId>,
    /// Whether this node has a seat.
    pub is_validator: bool,
    /// When the last block was committed here, by this node's clock.
    pub committed_at: Time,
    /// Whether the last block came from a peer's history instead of a vote.
    pub syncing: bool,
}
