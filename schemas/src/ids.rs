//! Identifiers: newtypes with one canonical text each, so that equal things compare equal.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::{self, Hash};

/// The text does not have the form that the identifier needs. Correct it as the message says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} is no {kind}: {form}")]
pub struct NotAnId {
    /// Which identifier was expected.
    pub kind: &'static str,
    /// What was given.
    pub got: String,
    /// The form that it should have.
    pub form: &'static str,
}

/// String identifiers with a length bound and an alphabet; upper-cased on the way in.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $form:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// The most bytes of this identifier.
            pub const BYTES_MAX: usize = $max;

            /// The canonical text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn is_canonical(text: &str) -> bool {
                let allowed: fn(u8) -> bool = $allowed;
                !text.is_empty() && text.len() <= $max && text.bytes().all(allowed)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let upper = text.trim().to_ascii_uppercase();
                if Self::is_canonical(&upper) {
                    return Ok(Self(upper.into()));
                }
                Err(NotAnId { kind: $kind, got: text.chars().take(80).collect(), form: $form })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let human = d.is_human_readable();
                let text = CompactString::deserialize(d)?;
                if human {
                    return text.parse().map_err(serde::de::Error::custom);
                }
                if Self::is_canonical(&text) {
                    return Ok(Self(text));
                }
                Err(serde::de::Error::custom(concat!("not a canonical ", $kind)))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "minLength": 1, "maxLength": $max,
                    "description": $form})
            }
        }

        display_as_str!($name);
    };
}

macro_rules! display_as_str {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

const fn is_name_byte(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'
}

const fn is_reference_byte(b: u8) -> bool {
    is_name_byte(b) || matches!(b, b'.' | b'/' | b'_')
}

text_id!(
    /// An organisation admitted to the ledger, such as `NVIDIA` or `US-CBP`.
    MemberId, "member", 24, "1 to 24 letters, digits and hyphens", is_name_byte
);
text_id!(
    /// The first part of an item's id: belongs to one member, such as `NVIDIA` or a GS1 company
    /// prefix.
    Issuer, "issuer prefix", 16, "1 to 16 letters, digits and hyphens", is_name_byte
);
text_id!(
    /// A place with a jurisdiction, such as `US-MEMPHIS-1`.
    SiteId, "site", 40, "1 to 40 letters, digits and hyphens", is_name_byte
);
text_id!(
    /// A reference that a party gives to one of its documents: a purchase order, an MRN, a seal
    /// number.
    Reference, "reference", 35, "1 to 35 letters, digits and . / _ -", is_reference_byte
);

/// A document of a member: shipment, order, licence, limit, policy, plan, declaration.
/// `NVIDIA:SHP-2024-7`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocumentId {
    /// The member whose document it is; only that member may create it.
    pub member: MemberId,
    /// The member's own reference, unique per member and kind of document.
    pub reference: Reference,
}

impl DocumentId {
    /// The document `reference` of `member`.
    pub fn new(member: MemberId, reference: Reference) -> Self {
        Self { member, reference }
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.member, self.reference))
    }
}

impl FromStr for DocumentId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (member, reference) = text.split_once(':').ok_or_else(|| NotAnId {
            kind: "document",
            got: text.chars().take(80).collect(),
            form: "MEMBER:REFERENCE",
        })?;
        Ok(Self {
            member: member.parse()?,
            reference: reference.parse()?,
        })
    }
}

/// Texts in JSON, the fields in canonical bytes.
macro_rules! text_in_json {
    ($name:ident { $($field:ident : $type:ty),* }, $form:literal) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() {
                    s.collect_str(self)
                } else {
                    ($(&self.$field,)*).serialize(s)
                }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    return String::deserialize(d)?.parse().map_err(serde::de::Error::custom);
                }
                let ($($field,)*) = <($($type,)*)>::deserialize(d)?;
                Self::checked($($field),*).map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "description": $form})
            }
        }
    };
}

impl DocumentId {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the shape that text_in_json! calls"
    )]
    fn checked(member: MemberId, reference: Reference) -> Result<Self, NotAnId> {
        Ok(Self { member, reference })
    }
}
text_in_json!(
    DocumentId {
        member: MemberId,
        reference: Reference
    },
    "MEMBER:REFERENCE"
);

/// An item's id, `issuer:serial`, ASCII, at most 40 bytes. The issuer is upper case, the serial
/// lower case, whatever was typed: two ids that differ in case alone would be one label on a dock.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    issuer: Issuer,
    serial: CompactString,
}

/// The most bytes of an item id, with its colon.
pub const ITEM_ID_BYTES_MAX: usize = 40;

impl ItemId {
    /// An id from its parts; folds case.
    pub fn new(issuer: Issuer, serial: &str) -> Result<Self, NotAnId> {
        let serial: CompactString = serial.trim().to_ascii_lowercase().into();
        Self::checked(issuer, serial)
    }

    fn checked(issuer: Issuer, serial: CompactString) -> Result<Self, NotAnId> {
        let fits = issuer.as_str().len() + 1 + serial.len() <= ITEM_ID_BYTES_MAX;
        let plain = serial.bytes().all(is_serial_byte) && !serial.contains("..");
        if fits && !serial.is_empty() && plain {
            return Ok(Self { issuer, serial });
        }
        Err(NotAnId {
            kind: "item id",
            got: format!("{issuer}:{}", serial.chars().take(80).collect::<String>()),
            form: "issuer:serial, at most 40 bytes; a serial has letters, digits and . _ / # -",
        })
    }

    /// The member's prefix.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The serial, unique per issuer.
    pub fn serial(&self) -> &str {
        &self.serial
    }
}

/// Bytes that a serial may have, in canonical (lower) case.
pub(crate) const fn is_serial_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'/' | b'#' | b'-')
}

impl FromStr for ItemId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (issuer, serial) = text.split_once(':').ok_or_else(|| NotAnId {
            kind: "item id",
            got: text.chars().take(80).collect(),
            form: "issuer:serial, such as NVIDIA:1654322001234",
        })?;
        Self::new(issuer.parse()?, serial)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.issuer, self.serial))
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.issuer, self.serial)
    }
}

text_in_json!(
    ItemId {
        issuer: Issuer,
        serial: CompactString
    },
    "issuer:serial, at most 40 bytes"
);

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Hash);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.short())
            }
        }
        impl FromStr for $name {
            type Err = hash::NotAHash;
            fn from_str(text: &str) -> Result<Self, hash::NotAHash> {
                text.parse().map(Self)
            }
        }
    };
}

hash_id!(
    /// Digest of the genesis document: names the ledger.
    GenesisHash
);
hash_id!(
    /// Digest of a transaction's unsigned body.
    TransactionId
);
hash_id!(
    /// Digest of a transaction id and an index: names one record.
    RecordId
);
hash_id!(
    /// Digest of a block's header: what validators sign.
    BlockHash
);

impl RecordId {
    /// The id of the record at `index` of transaction `id`.
    pub fn new(id: TransactionId, index: u32) -> Self {
        let mut bytes = [0; 36];
        bytes[..32].copy_from_slice(id.0.as_bytes());
        bytes[32..].copy_from_slice(&index.to_le_bytes());
        Self(hash::RECORD_ID.hash(&bytes))
    }
}

/// Number of a block; the genesis block has height 0.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Debug,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Height(pub u64);

impl Height {
    /// The next height; the last one that can be written follows itself.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Dense number of an item, given when it is first registered or packed.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Debug,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct ItemNumber(pub u64);

/// An Ed25519 public key: 32 bytes, hexadecimal in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(#[serde(with = "hash::bytes_or_hex")] pub [u8; 32]);

/// An Ed25519 signature: 64 bytes, hexadecimal in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signature(#[serde(with = "hash::bytes_or_hex")] pub [u8; 64]);

macro_rules! hex_bytes {
    ($name:ident, $bytes:literal, $what:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(&self.0[..4]))
            }
        }
        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| NotAnId {
                    kind: $what,
                    got: text.chars().take(80).collect(),
                    form: "hexadecimal digits, two per byte",
                })?;
                Ok(Self(bytes))
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": "^[0-9a-f]+$",
                    "description": $what})
            }
        }
    };
}
hex_bytes!(PublicKey, 32, "Ed25519 public key");
hex_bytes!(Signature, 64, "Ed25519 signature");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_id_has_one_case() {
        let id: ItemId = "acme-dc:RACK-17".parse().unwrap();
        assert_eq!(id.to_string(), "ACME-DC:rack-17");
    }

    #[test]
    fn refuses_ids_of_another_form() {
        for text in [
            "",
            "x",
            ":1",
            "A:",
            "A:b c",
            "A:ü",
            "A:1234567890123456789012345678901234567890",
        ] {
            assert!(text.parse::<ItemId>().is_err(), "{text}");
        }
        assert!("NVIDIA".parse::<DocumentId>().is_err());
        assert!("A_B".parse::<MemberId>().is_err());
    }

    #[test]
    fn canonical_bytes_with_the_wrong_case_are_refused() {
        let bytes = crate::encode::encode(&"nvidia");
        assert!(crate::encode::decode::<MemberId>(&bytes).is_err());
    }
}
