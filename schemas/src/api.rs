//! What crosses HTTP: the envelopes, fates and error codes of `/v1`. The rows of answers are the
//! read model's own types; here is what stands around them.
//!
//! JSON; instants are RFC 3339, digests and keys hexadecimal. A reader ignores fields that it does
//! not know: later versions add some, and never change the meaning of those that are here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::block::Header;
use crate::certificate::{Certificate, ValidatorSet};
use crate::genesis::Clock;
use crate::ids::{BlockHash, GenesisHash, Height, MemberId, TransactionId};
use crate::time::Time;
use crate::transaction::Transaction;

/// The media type of canonical bytes: transactions going in, proofs coming out.
pub const CANONICAL_BYTES: &str = "application/octet-stream";
/// The media type of exports: one JSON value per line.
pub const JSON_LINES: &str = "application/x-ndjson";
/// The longest that `?wait=` waits for a fate, seconds. Ask again for longer.
pub const WAIT_SECONDS_MAX: u64 = 60;
/// The most blocks of one page.
pub const PAGE_BLOCKS_MAX: u64 = 100;
/// The most items of one page.
pub const PAGE_ITEMS_MAX: usize = 1_000;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Why a node refuses a request. The rules' own rejections have the ledger's codes
        /// instead, with status 422.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as programs see it; never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The code of a name.
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == name)
            }
        }
    };
}

codes! {
    /// 400: a parameter cannot be read. Correct the one that the message names.
    BadParameter = "bad_parameter",
    /// 400: the body cannot be read. Correct the place that the message names.
    BadBody = "bad_body",
    /// 404: nothing is served at this path. See `/v1/openapi.json`.
    UnknownRoute = "unknown_route",
    /// 404: the item is not registered, or was not by then. Check the id.
    ItemUnknown = "item_not_found",
    /// 404: no such member on this ledger. Check the id.
    MemberUnknown = "member_not_found",
    /// 404: no such equivocation was reported. Check the id.
    EquivocationUnknown = "equivocation_not_found",
    /// 404: the height is above the last one. Ask for a lower one.
    BeyondHead = "beyond_head",
    /// 404: the time lies before the ledger began. Ask for a later one.
    BeforeGenesis = "before_genesis",
    /// 404: the item is registered, so its absence cannot be proven. Prove the item.
    Registered = "registered",
    /// 404: no block is certified yet, or none after the checkpoint. Submit something first.
    NothingCertified = "nothing_certified",
    /// 404: the proof would be larger than a file may be. Prove something narrower.
    ProofTooLarge = "proof_too_large",
    /// 403: the node's member sees only what is its own, and this is not. Ask the node of a
    /// customs, regulator or inspector member.
    NarrowView = "narrow_view",
    /// 405: the path is served, by another method.
    MethodNotAllowed = "method_not_allowed",
    /// 408: the body did not arrive in time. Send it again.
    BodyTooSlow = "body_too_slow",
    /// 410: this node no longer holds that height. Ask from `first_height` on, or another node.
    BeforeHistory = "before_history",
    /// 413: the body is larger than this route takes. Split it.
    BodyTooLarge = "body_too_large",
    /// 415: the body's media type is none that this route reads.
    UnsupportedMediaType = "unsupported_media_type",
    /// 429: the member's share of the mempool is used up. Wait, then send it again.
    MemberQuota = "member_quota",
    /// 503: the mempool is full. Wait, then send it again.
    MempoolFull = "mempool_full",
    /// 503: too many questions at once. Wait, then ask again.
    Overloaded = "overloaded",
    /// 503: the answer took too long. Ask something narrower.
    TookTooLong = "took_too_long",
    /// 503: the node catches up and takes no transactions yet. Wait, or ask another node.
    Syncing = "syncing",
    /// 503: the node has stopped taking transactions; the message says why. Ask another node.
    Halted = "halted",
    /// 500: something inside failed. Report it; what was final stays so.
    Internal = "internal",
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The body of every answer that is none: what happened and what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// One of [`ErrorCode`], or a rejection code of the ledger's rules.
    pub code: String,
    /// The facts of this case.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Which record of the transaction, from 0, if one of them is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u32>,
    /// The first height that this node holds, with `before_history`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_height: Option<Height>,
}

/// What the rules say no to, with what to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RuleRejection {
    /// The ledger's stable code, such as `item_not_held`.
    pub code: String,
    /// The facts of this case.
    pub message: String,
    /// What the submitter should do.
    pub hint: String,
    /// Which record of the transaction, from 0, if one of them is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u32>,
}

/// What became of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// Accepted, and waiting for a block. It may still be rejected, or expire.
    Pending {
        /// The node's height when it accepted it.
        accepted_height: Height,
        /// Why it did not apply when it was last tried; it is tried again with each block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_rejection: Option<RuleRejection>,
    },
    /// In a certified and synced block: only this counts.
    Final {
        /// Height of the block.
        height: Height,
        /// Its place in the block, from 0.
        index: u32,
        /// Hash of the block.
        block: BlockHash,
    },
    /// The rules say no, for good; nothing of it was written.
    Rejected(RuleRejection),
    /// Its window is over and it is in no block: it can never become final. Sign it anew.
    Expired {
        /// The end of its window.
        valid_until: Time,
    },
    /// This node has never seen it, or has forgotten it. Submit it again: that is safe.
    Unknown,
}

impl Fate {
    /// Whether it can still change.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Unknown)
    }
}

/// The answer to a submission, and to a question about one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TransactionAnswer {
    /// The transaction.
    pub id: TransactionId,
    /// The node's height when it answered.
    pub node_height: Height,
    /// Whether the node knew the transaction before this request: it was submitted again.
    #[serde(default)]
    pub known_before: bool,
    /// What became of it so far.
    #[serde(flatten)]
    pub fate: Fate,
}

/// On what an answer rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// On the state that the header commits to: there are proofs of it.
    Committed,
    /// Computed by this node from committed records.
    Derived,
}

impl Basis {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Derived => "derived",
        }
    }
}

/// An answer with the height that it is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Answer<T> {
    /// Height up to which records count.
    pub height: Height,
    /// Time of that height.
    pub block_time: Time,
    /// Event time up to which facts count; all that happened, if absent.
    pub at: Option<Time>,
    /// On what it rests.
    pub basis: Basis,
    /// How block time is made: `replay` labels a history that was loaded.
    pub clock: Clock,
    /// What was asked for.
    pub answer: T,
}

/// Whether a member's peer votes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It votes.
    Validator,
    /// It follows.
    Observer,
}

impl Standing {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Observer => "observer",
        }
    }
}

/// What waits in a node.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MempoolCounts {
    /// Transactions that wait.
    pub transactions: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Members that they are of.
    pub members: u64,
}

/// What a node says of itself, beside what its ledger says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// Whose peer it is.
    pub member: Option<MemberId>,
    /// Whether it votes.
    pub role: Standing,
    /// Version of the program.
    pub version: String,
    /// Peers of members that it is connected with.
    pub peers_connected: u32,
    /// What waits.
    pub mempool: MempoolCounts,
    /// Whether it is catching up with the others.
    pub syncing: bool,
    /// Why it takes no transactions and commits no blocks; absent while all is well.
    pub halted: Option<String>,
    /// The first height whose block it holds.
    pub first_height: Height,
}

/// How much a ledger holds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LedgerSize {
    /// Validators of the last block.
    pub validators: u64,
    /// Items that were ever registered.
    pub items: u64,
    /// Members.
    pub members: u64,
    /// Sites.
    pub sites: u64,
    /// Shipments.
    pub shipments: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes of memory that the commitment's inner nodes take.
    pub commitment_bytes: u64,
}

/// What a ledger is and where it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LedgerStatus {
    /// What people call it.
    pub ledger: String,
    /// Names it for programs.
    pub genesis: GenesisHash,
    /// The last height.
    pub height: Height,
    /// Hash of its block.
    pub block: BlockHash,
    /// Merkle root over the whole state after it.
    pub state_root: crate::hash::Hash,
    /// Its block time.
    pub block_time: Time,
    /// How block time is made.
    pub clock: Clock,
    /// Protocol version by which it was executed.
    pub protocol: u32,
    /// How much it holds.
    pub size: LedgerSize,
}

/// The answer of `/v1/status`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StatusAnswer {
    /// The ledger.
    pub ledger: LedgerStatus,
    /// Milliseconds since the last block time by the node's clock; absent under `replay`.
    pub age_ms: Option<u64>,
    /// The node.
    pub node: NodeStatus,
}

/// The answer of `/v1/health` and `/v1/ready`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whether it is so.
    pub ok: bool,
    /// Why not; absent if it is.
    pub why: Option<String>,
    /// The last height.
    pub height: Height,
}

/// A block as `/v1/blocks` shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BlockAnswer {
    /// Its hash.
    pub hash: BlockHash,
    /// What the hash covers.
    pub header: Header,
    /// The quorum's signatures over the hash; none at height 0.
    pub certificate: Certificate,
    /// Its transactions, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Vec<Transaction>>,
}

/// A page of blocks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BlocksAnswer {
    /// The node's last height when it answered.
    pub height: Height,
    /// The first height that it holds.
    pub first_height: Height,
    /// The blocks, lowest first.
    pub blocks: Vec<BlockAnswer>,
}

/// What an outsider pins: a header, the quorum's signatures over it, and who may sign.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointAnswer {
    /// The header's hash.
    pub hash: BlockHash,
    /// The header.
    pub header: Header,
    /// The quorum's signatures over the hash; none at height 0.
    pub certificate: Certificate,
    /// The set that certifies it; the header names its digest.
    pub validators: ValidatorSet,
}

/// One server-sent event of `/v1/events`: a block is committed. The event's id is its height.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BlockEvent {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Its block time.
    pub time: Time,
    /// Its transactions.
    pub transactions: u64,
}

/// What the rules would say to one transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckAnswer {
    /// The transaction.
    pub id: TransactionId,
    /// Why it would be rejected; absent if it would apply.
    pub rejection: Option<RuleRejection>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;

    #[test]
    fn a_fate_reads_as_flat_json_and_back() {
        let answer = |fate| TransactionAnswer {
            id: TransactionId(Hash([1; 32])),
            node_height: Height(9),
            known_before: false,
            fate,
        };
        let rejection = RuleRejection {
            code: "item_not_held".to_owned(),
            message: "A:1 is held by B".to_owned(),
            hint: "Ask its holder.".to_owned(),
            record: Some(0),
        };
        let fates = [
            Fate::Pending {
                accepted_height: Height(7),
                last_rejection: Some(rejection.clone()),
            },
            Fate::Final {
                height: Height(8),
                index: 3,
                block: BlockHash(Hash([2; 32])),
            },
            Fate::Rejected(rejection),
            Fate::Expired {
                valid_until: Time(1),
            },
            Fate::Unknown,
        ];
        for fate in fates {
            let told = answer(fate);
            let json = serde_json::to_value(&told).unwrap();
            assert!(json["fate"].is_string(), "{json}");
            assert_eq!(
                serde_json::from_value::<TransactionAnswer>(json).unwrap(),
                told
            );
        }
    }

    #[test]
    fn every_code_is_found_by_its_name_and_is_named_once() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::of(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::of("item_not_held"), None);
    }
}
