//! What peers say to each other by the records protocol about snapshots, headers and own items.
//! Canonical bytes (`docs/format.md`, section 11).

use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::{Certificate, ValidatorSet};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemId, ItemNumber};
use serde::{Deserialize, Serialize};

/// Asks for the manifest of a snapshot. The answer is the manifest's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManifestAsked {
    /// Of this height; of the last one kept, if absent.
    pub height: Option<Height>,
}

/// Asks for a chunk of a snapshot. The answer is the chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChunkAsked {
    /// Height of the snapshot.
    pub height: Height,
    /// Name of the chunk.
    pub digest: Hash,
}

/// Asks for headers. The answer is [`HeadersTold`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeadersAsked {
    /// The first height wanted.
    pub from: Height,
}

/// Headers that a peer holds, from the height asked for on, ascending.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeadersTold {
    /// The peer's last height: a claim, which nothing is based on.
    pub height: Height,
    /// The headers. A peer that has pruned its history leaves out those that no proof needs.
    pub headers: Vec<CertifiedHeader>,
}

/// A header with what shows that it counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertifiedHeader {
    /// The header.
    pub header: Header,
    /// The quorum's signatures over its hash.
    pub certificate: Certificate,
    /// Who certifies the next one, if that is another set.
    pub next: Option<ValidatorSet>,
}

/// Asks for what is the asking member's own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OwnAsked {
    /// A page of items that the member holds, owns or uses. The answer is [`OwnListed`].
    List {
        /// Number of the first item to look at.
        from: ItemNumber,
    },
    /// A proof of one of them, from genesis on. The answer is a proof file.
    Proof {
        /// The item.
        item: ItemId,
    },
}

/// Some of a member's items.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnListed {
    /// The peer's last height.
    pub height: Height,
    /// The items, by number.
    pub items: Vec<OwnItem>,
    /// Where to go on; absent after the last item.
    pub next: Option<ItemNumber>,
}

/// One of a member's items.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnItem {
    /// The item.
    pub item: ItemId,
    /// Changes when the item, or what contains it, does: its proof is then asked for anew.
    pub version: Hash,
}
