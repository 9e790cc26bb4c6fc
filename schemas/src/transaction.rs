//! The signed envelope: who says it, to which ledger, in which window, and the records it says.
//!
//! A transaction's id is the digest of its unsigned body: the head with the Merkle root of its
//! records, so that one record can be shown without the others. All records apply or none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encode::encode;
use crate::hash::{self, Hash};
use crate::ids::{GenesisHash, MemberId, PublicKey, RecordId, Signature, TransactionId};
use crate::keys::{SecretKey, verify_strict};
use crate::merkle::list_root;
use crate::records::Record;
use crate::time::{DAY_MS, Time};

/// The only version of the envelope; others fail closed.
pub const TRANSACTION_VERSION: u16 = 1;
/// The longest window between `valid_from` and `valid_until`: 7 days, so that a dock can sign
/// offline.
pub const WINDOW_MS_MAX: u64 = 7 * DAY_MS;
/// The most records of one transaction.
pub const RECORDS_MAX: usize = 1_000;
/// The most co-signatures of one transaction.
pub const COSIGNATURES_MAX: usize = 64;

/// What the author signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// [`TRANSACTION_VERSION`].
    #[serde(deserialize_with = "crate::encode::known_version::<_, TRANSACTION_VERSION>")]
    pub version: u16,
    /// The ledger that it is for.
    pub genesis: GenesisHash,
    /// Who says it.
    pub member: MemberId,
    /// The key that signs it.
    pub key: PublicKey,
    /// When it was signed, as the signer claims.
    pub signed_at: Time,
    /// First block time at which it may be included.
    pub valid_from: Time,
    /// First block time at which it may no longer be included.
    pub valid_until: Time,
    /// What it says, in order.
    pub records: Vec<Record>,
}

/// A body with the root of its records in place of them: what its id is the digest of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// As in [`Body`].
    #[serde(deserialize_with = "crate::encode::known_version::<_, TRANSACTION_VERSION>")]
    pub version: u16,
    /// As in [`Body`].
    pub genesis: GenesisHash,
    /// As in [`Body`].
    pub member: MemberId,
    /// As in [`Body`].
    pub key: PublicKey,
    /// As in [`Body`].
    pub signed_at: Time,
    /// As in [`Body`].
    pub valid_from: Time,
    /// As in [`Body`].
    pub valid_until: Time,
    /// Merkle root over the digests of the records.
    pub records_root: Hash,
}

impl Head {
    /// The transaction's id.
    pub fn id(&self) -> TransactionId {
        TransactionId(hash::TRANSACTION.hash(&encode(self)))
    }
}

/// Digest of one record: leaf of the records' root.
pub fn record_digest(record: &Record) -> Hash {
    hash::RECORD.hash(&encode(record))
}

impl Body {
    /// Digests of the records, in order.
    pub fn record_digests(&self) -> Vec<Hash> {
        self.records.iter().map(record_digest).collect()
    }

    /// The head.
    pub fn head(&self) -> Head {
        Head {
            version: self.version,
            genesis: self.genesis,
            member: self.member.clone(),
            key: self.key,
            signed_at: self.signed_at,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            records_root: list_root(&self.record_digests()),
        }
    }

    /// The transaction's id.
    pub fn id(&self) -> TransactionId {
        self.head().id()
    }

    /// Signs the body. The key must be the one that the body names.
    pub fn sign(self, key: &SecretKey) -> Transaction {
        let preimage = signature_preimage(
            &self.genesis,
            &self.id(),
            SignatureRole::Author,
            &self.member,
        );
        Transaction {
            signature: key.sign(&preimage),
            cosignatures: Vec::new(),
            body: self,
        }
    }
}

/// In which capacity a signature stands on a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SignatureRole {
    /// The author.
    Author,
    /// A co-signer.
    Cosigner,
}

/// What a signature on a transaction is over: ledger, transaction, capacity and member.
pub fn signature_preimage(
    genesis: &GenesisHash,
    id: &TransactionId,
    role: SignatureRole,
    member: &MemberId,
) -> [u8; 32] {
    *hash::TRANSACTION_SIGNATURE
        .hash(&encode(&(genesis, id, role, member)))
        .as_bytes()
}

/// Another member's agreement: buyer, witness, countersigning customs, regulators of a quorum.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cosignature {
    /// Who agrees.
    pub member: MemberId,
    /// The key that signs.
    pub key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

/// A signed transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What is signed.
    pub body: Body,
    /// The author's signature.
    pub signature: Signature,
    /// Agreement of others, sorted by member, each once.
    pub cosignatures: Vec<Cosignature>,
}

impl Transaction {
    /// The id: digest of the unsigned body. Two signatures over one body are one transaction.
    pub fn id(&self) -> TransactionId {
        self.body.id()
    }

    /// The id of the record at `index`.
    pub fn record_id(&self, index: u32) -> RecordId {
        RecordId::new(self.id(), index)
    }

    /// Adds the agreement of `member`.
    #[must_use]
    pub fn cosign(mut self, member: MemberId, key: &SecretKey) -> Self {
        let preimage = signature_preimage(
            &self.body.genesis,
            &self.id(),
            SignatureRole::Cosigner,
            &member,
        );
        self.cosignatures.retain(|c| c.member != member);
        self.cosignatures.push(Cosignature {
            member,
            key: key.public(),
            signature: key.sign(&preimage),
        });
        self.cosignatures.sort_unstable();
        self
    }

    /// Whether the author's and every co-signer's signature verify. Says nothing of whose the keys
    /// are.
    pub fn signatures_verify(&self) -> bool {
        self.signatures_verify_for(&self.id())
    }

    /// As [`Self::signatures_verify`], when the id is known already.
    pub fn signatures_verify_for(&self, id: &TransactionId) -> bool {
        let preimage = |role, member| signature_preimage(&self.body.genesis, id, role, member);
        let author = preimage(SignatureRole::Author, &self.body.member);
        verify_strict(&self.body.key, &author, &self.signature)
            && self.cosignatures.iter().all(|c| {
                verify_strict(
                    &c.key,
                    &preimage(SignatureRole::Cosigner, &c.member),
                    &c.signature,
                )
            })
    }

    /// Digest that stands in a block's transactions root: the id and the signatures.
    pub fn digest(&self, id: &TransactionId) -> Hash {
        hash::SIGNED_TRANSACTION.hash(&encode(&(id, &self.signature, &self.cosignatures)))
    }

    /// Item-events of all records; saturates.
    pub fn item_events(&self) -> u64 {
        self.body
            .records
            .iter()
            .fold(0, |sum: u64, r| sum.saturating_add(r.item_events()))
    }
}
