//! One hash function, one purpose per key.
//!
//! Every digest in Chipledger is BLAKE3 in keyed mode under a key that `derive_key` makes from a
//! context string: domain separation as strong as `derive_key` mode itself, at half its cost on the
//! short inputs that a Merkle tree is made of (decision 002). Lists are never concatenated and
//! hashed: they go through a Merkle tree that binds index and length (`chipledger-proof`).

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-byte BLAKE3 digest. Hexadecimal in JSON and on screen, raw bytes in canonical encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The digest of nothing: the parent of the genesis block, an empty subtree.
    pub const ZERO: Self = Self([0; 32]);

    /// The raw digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.short())
    }
}

/// The text is not 64 hexadecimal digits. Copy the digest whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits, got {got:?}")]
pub struct NotAHash {
    /// What was given.
    pub got: String,
}

impl FromStr for Hash {
    type Err = NotAHash;
    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash {
            got: text.to_owned(),
        })?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(NotAHash {
                got: text.to_owned(),
            });
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        bytes_or_hex::serialize(&self.0, s)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        bytes_or_hex::deserialize(d).map(Self)
    }
}

impl JsonSchema for Hash {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hash".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9a-f]{64}$",
            "description": "32-byte BLAKE3 digest, lower-case hexadecimal"})
    }
}

/// Fixed arrays as lower-case hexadecimal in JSON and as raw bytes (no length) in canonical
/// encoding.
pub mod bytes_or_hex {
    use serde::de::{Error, SeqAccess, Visitor};
    use serde::ser::SerializeTuple;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the array.
    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return s.serialize_str(&hex::encode(bytes));
        }
        let mut tuple = s.serialize_tuple(N)?;
        for byte in bytes {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }

    /// Reads the array; refuses upper-case digits, so that one value has one JSON form.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        d: D,
    ) -> Result<[u8; N], D::Error> {
        if d.is_human_readable() {
            let text = String::deserialize(d)?;
            let mut bytes = [0; N];
            hex::decode_to_slice(&text, &mut bytes)
                .map_err(|_| D::Error::custom(format!("expected {} hexadecimal digits", 2 * N)))?;
            if text.bytes().any(|b| b.is_ascii_uppercase()) {
                return Err(D::Error::custom("hexadecimal digits must be lower case"));
            }
            return Ok(bytes);
        }
        d.deserialize_tuple(N, Bytes::<N>)
    }

    struct Bytes<const N: usize>;
    impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
        type Value = [u8; N];
        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            write!(f, "{N} bytes")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; N], A::Error> {
            let mut bytes = [0; N];
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = seq
                    .next_element()?
                    .ok_or_else(|| A::Error::invalid_length(i, &self))?;
            }
            Ok(bytes)
        }
    }
}

/// Bytes of any length as lower-case hexadecimal in JSON and as a length and raw bytes in canonical
/// encoding.
pub mod byte_list_or_hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the bytes.
    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return s.serialize_str(&hex::encode(bytes));
        }
        bytes.serialize(s)
    }

    /// Reads the bytes; refuses upper-case digits, so that one value has one JSON form.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        if !d.is_human_readable() {
            return Vec::deserialize(d);
        }
        let text = String::deserialize(d)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(D::Error::custom("hexadecimal digits must be lower case"));
        }
        hex::decode(&text)
            .map_err(|_| D::Error::custom("expected hexadecimal digits, two per byte"))
    }
}

/// What a digest is for. Two purposes never share a preimage.
pub struct Purpose {
    context: &'static str,
    key: LazyLock<[u8; 32]>,
}

impl Purpose {
    /// The context string that the key is derived from (listed in `docs/format.md`).
    pub fn context(&self) -> &'static str {
        self.context
    }

    /// Digest of `bytes` for this purpose.
    pub fn hash(&self, bytes: &[u8]) -> Hash {
        Hash(*blake3::keyed_hash(&self.key, bytes).as_bytes())
    }

    /// Digest of two digests: the inner node of every tree.
    pub fn hash_pair(&self, left: &Hash, right: &Hash) -> Hash {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&left.0);
        bytes[32..].copy_from_slice(&right.0);
        self.hash(&bytes)
    }
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $context:literal;)*) => {
        $($(#[$doc])* pub static $name: Purpose = Purpose {
            context: $context,
            key: LazyLock::new(|| blake3::derive_key($context, b"")),
        };)*
        /// Every purpose with its name, in the order of `docs/format.md`.
        pub fn purposes() -> Vec<(&'static str, &'static Purpose)> {
            vec![$((stringify!($name), &$name)),*]
        }
    };
}

purposes! {
    /// Genesis document.
    GENESIS = "chipledger v1 genesis";
    /// Preimage of a founder's signature under the genesis document.
    GENESIS_SIGNATURE = "chipledger v1 genesis signature";
    /// One record's canonical bytes: leaf of a transaction's record list.
    RECORD = "chipledger v1 record";
    /// A transaction's unsigned body (head with the records' root): its id.
    TRANSACTION = "chipledger v1 transaction";
    /// A record's id: transaction id and index.
    RECORD_ID = "chipledger v1 record id";
    /// Preimage of a signature on a transaction.
    TRANSACTION_SIGNATURE = "chipledger v1 transaction signature";
    /// A signed transaction with its signatures: leaf of a block's transaction list.
    SIGNED_TRANSACTION = "chipledger v1 signed transaction";
    /// Block header: the value that validators vote on.
    HEADER = "chipledger v1 header";
    /// Preimage of a validator's precommit vote.
    VOTE = "chipledger v1 vote";
    /// Preimage of everything else that a validator signs at a step of consensus.
    CONSENSUS = "chipledger v1 consensus";
    /// Preimage of a proposer's signature over the stream of parts of its block.
    PROPOSAL_PARTS = "chipledger v1 proposal parts";
    /// Preimage of a validator's word on where the chain stands, for one whose guard was lost.
    GUARD_STATUS = "chipledger v1 guard status";
    /// Identifier of an equivocation.
    EQUIVOCATION = "chipledger v1 equivocation";
    /// A validator set.
    VALIDATORS = "chipledger v1 validators";
    /// Leaf of a bounded list.
    LIST_LEAF = "chipledger v1 list leaf";
    /// Inner node of a bounded list.
    LIST_NODE = "chipledger v1 list node";
    /// Root of a bounded list: length and top.
    LIST_ROOT = "chipledger v1 list root";
    /// An item's state: leaf of the items tree.
    ITEM = "chipledger v1 item";
    /// Inner node of the items tree.
    ITEM_NODE = "chipledger v1 item node";
    /// Root of the items tree: count and top.
    ITEMS_ROOT = "chipledger v1 items root";
    /// Key of an entry of the names tree.
    ENTRY_KEY = "chipledger v1 entry key";
    /// Value of an entry of the names tree.
    ENTRY_VALUE = "chipledger v1 entry value";
    /// An entry: key digest and value digest.
    ENTRY = "chipledger v1 entry";
    /// Piece of an entry of names: leaf of the tree over its pieces.
    NAMES_PIECE = "chipledger v1 names piece";
    /// Inner node of the tree over the pieces of an entry of names.
    NAMES_NODE = "chipledger v1 names node";
    /// Root of a bucket of entries.
    BUCKET = "chipledger v1 bucket";
    /// Inner node over buckets.
    BUCKET_NODE = "chipledger v1 bucket node";
    /// Root of the names tree: entries, buckets and top.
    NAMES_ROOT = "chipledger v1 names root";
    /// State root: items root and names root.
    STATE = "chipledger v1 state";
    /// Leaf of the history tree: a header's digest.
    HISTORY_LEAF = "chipledger v1 history leaf";
    /// Inner node of the history tree.
    HISTORY_NODE = "chipledger v1 history node";
    /// Root of the history tree: length and peaks.
    HISTORY_ROOT = "chipledger v1 history root";
    /// An item's chain of records.
    ITEM_HISTORY = "chipledger v1 item history";
    /// An item's stack of movements that can be corrected.
    MOVEMENT = "chipledger v1 movement";
    /// Salted commitment to a sealed field.
    SEALED = "chipledger v1 sealed";
    /// Identifier of an alert.
    ALERT = "chipledger v1 alert";
    /// Name of a chunk of a snapshot.
    SNAPSHOT_CHUNK = "chipledger v1 snapshot chunk";
    /// Integrity of a proof file or a file on disk.
    FILE = "chipledger v1 file";
    /// Preimage of a chip's signature on its own report.
    DEVICE_REPORT = "chipledger v1 device report";
    /// Version of an item as its member's observers are told: the item and its containers.
    OWN_ITEM = "chipledger v1 own item";
    /// An inspector's commitment to the secret of a sample.
    SAMPLE_SECRET = "chipledger v1 sample secret";
    /// Text of an inspection plan: its name.
    SAMPLE_PLAN = "chipledger v1 sample plan";
    /// Seed of a sample: plan, block, secret.
    SAMPLE_SEED = "chipledger v1 sample seed";
    /// Rank of an item in a sample: seed and id.
    SAMPLE_RANK = "chipledger v1 sample rank";
}
