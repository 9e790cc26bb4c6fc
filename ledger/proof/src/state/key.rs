//! Keys and entries of the names tree: everything in the state that is not an item.

use chipledger_schemas::catalogue::{ModelId, ModelVersion};
use chipledger_schemas::encode::{DecodeError, decode, encode};
use chipledger_schemas::hash::{self, Hash};
use chipledger_schemas::ids::{
    DocumentId, Height, Issuer, ItemNumber, MemberId, PublicKey, SiteId, TransactionId,
};
use chipledger_schemas::items::Series;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use crate::state::{
    Account, Alert, Balance, Catalogue, Chain, Clearance, Dimension, Equivocation, Licence, Limit,
    Member, MemberKey, Names, Order, Policy, Proposal, Run, Seats, Shipment, Site, Totals,
};

/// Version byte of an entry's canonical bytes.
const ENTRY_VERSION: u8 = 1;

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident $(($key:ty))? $({ $($field:ident : $ftype:ty),* })? => $value:ty,)*) => {
        /// What an entry is about. The order of the variants is part of the canonical bytes.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Key { $($(#[$doc])* $name $(($key))? $({
            $(
                #[allow(missing_docs, reason = "named by the variant's documentation")]
                $field: $ftype
            ),*
        })?,)* }

        /// What is true under a [`Key`] of the same name.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(clippy::large_enum_variant, reason = "entries live behind shared pointers")]
        pub enum Entry { $($(#[$doc])* $name($value),)* }

        /// The names of keys and entries.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum EntryKind { $($(#[$doc])* $name,)* }

        impl EntryKind {
            /// Every kind, in canonical order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        impl Key {
            /// Its kind.
            pub fn kind(&self) -> EntryKind {
                match self { $(Self::$name { .. } => EntryKind::$name,)* }
            }
        }

        impl Entry {
            /// Its kind.
            pub fn kind(&self) -> EntryKind {
                match self { $(Self::$name(_) => EntryKind::$name,)* }
            }
        }

        $(impl From<$value> for Entry {
            fn from(value: $value) -> Self {
                Self::$name(value)
            }
        }

        impl Stored for $value {
            const KIND: EntryKind = EntryKind::$name;
            fn of(entry: &Entry) -> Option<&Self> {
                match entry {
                    Entry::$name(value) => Some(value),
                    _ => None,
                }
            }
        })*
    };
}

/// A value that stands under keys of one kind.
pub trait Stored: Into<Entry> + Clone {
    /// Kind of the keys.
    const KIND: EntryKind;
    /// The value in an entry of that kind.
    fn of(entry: &Entry) -> Option<&Self>;
}

/// Number of the member's chip that an attestation key belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceKeyOf(pub ItemNumber);
/// Member that an issuer prefix belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IssuerOf(pub MemberId);
/// The transactions of a block, remembered until the last of their windows has ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// When the last of their windows ends.
    pub until: Time,
    /// The transactions, in the block's order.
    pub ids: Vec<TransactionId>,
}
/// Versions of a model, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelVersions(pub Vec<ModelVersion>);

entries! {
    /// Where the chain stands.
    Chain => Chain,
    /// The catalogue.
    Catalogue => Catalogue,
    /// A model's versions.
    Model(ModelId) => ModelVersions,
    /// A member.
    Member(MemberId) => Member,
    /// The member that an issuer prefix belongs to.
    Issuer(Issuer) => IssuerOf,
    /// A signing key.
    SigningKey(PublicKey) => MemberKey,
    /// The chip that an attestation key belongs to.
    DeviceKey(PublicKey) => DeviceKeyOf,
    /// A site.
    Site(SiteId) => Site,
    /// A licence.
    Licence(DocumentId) => Licence,
    /// A limit.
    Limit(DocumentId) => Limit,
    /// A policy.
    Policy(DocumentId) => Policy,
    /// An order.
    Order(DocumentId) => Order,
    /// A customs decision.
    Clearance(DocumentId) => Clearance,
    /// A shipment.
    Shipment(DocumentId) => Shipment,
    /// A proposal.
    Proposal(DocumentId) => Proposal,
    /// A training run.
    Run(DocumentId) => Run,
    /// A closed alert.
    Alert(Hash) => Alert,
    /// The transactions of the block at a height, until their windows have ended.
    Transactions(Height) => Seen,
    /// Numbers of 1,024 serials.
    Names { series: Series, block: u64 } => Names,
    /// An account.
    Account(Account) => Balance,
    /// A total.
    Totals(Dimension) => Totals,
    /// The heights at which a key had a validator's seat.
    Seats(PublicKey) => Seats,
    /// An equivocation, by its id.
    Equivocation(Hash) => Equivocation,
}

impl Key {
    /// Canonical bytes.
    pub fn bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Digest under which the names tree has it.
    pub fn digest(&self) -> Hash {
        hash::ENTRY_KEY.hash(&self.bytes())
    }
}

/// Digest of an entry of names, of which a proof shows one piece: over the top of its pieces.
pub(crate) fn names_digest(top: &Hash) -> Hash {
    hash::ENTRY_VALUE.hash(&encode(&(ENTRY_VERSION, EntryKind::Names, top)))
}

impl Entry {
    /// Canonical bytes with their version.
    pub fn bytes(&self) -> Vec<u8> {
        encode(&(ENTRY_VERSION, self))
    }

    /// Digest that the names tree has.
    pub fn digest(&self) -> Hash {
        match self {
            Self::Names(names) => names_digest(&names.top()),
            _ => hash::ENTRY_VALUE.hash(&self.bytes()),
        }
    }

    /// As [`Self::digest`], when the canonical bytes are there already.
    pub fn digest_with(&self, bytes: &[u8]) -> Hash {
        match self {
            Self::Names(_) => self.digest(),
            _ => hash::ENTRY_VALUE.hash(bytes),
        }
    }

    /// As [`Self::from_bytes`], for bytes that this program wrote itself and that a digest covers.
    pub fn from_stored_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (_, entry): (u8, Self) = chipledger_schemas::encode::decode_stored(bytes)?;
        Ok(entry)
    }

    /// The entry in canonical bytes, if their version is known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, entry): (u8, Self) = decode(bytes)?;
        if version == ENTRY_VERSION {
            return Ok(entry);
        }
        Err(DecodeError::Malformed {
            reason: format!("entry version {version}"),
        })
    }
}
