//! Canonical bytes: the only encoder in the project, and the only file that names `bincode`.
//!
//! One frozen configuration (little endian, variable-length integers, an explicit size limit).
//! `bincode` is unmaintained upstream (RUSTSEC-2025-0141); it stays because the format is frozen by
//! the golden vectors in `schemas/vectors/` and nothing else touches the crate (decision 003).
//!
//! Decoding refuses trailing bytes, lengths beyond the limit before allocating, and any input that
//! does not re-encode to the same bytes, so that one value has one encoding.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::enc::write::{SizeWriter, Writer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The most bytes that one encoded object may have: 8 MiB, above any block.
pub const ENCODED_BYTES_MAX: usize = 8 * 1024 * 1024;

type Frozen = Configuration<LittleEndian, Varint, Limit<ENCODED_BYTES_MAX>>;

const fn frozen() -> Frozen {
    bincode::config::standard()
        .with_little_endian()
        .with_variable_int_encoding()
        .with_limit::<ENCODED_BYTES_MAX>()
}

/// Why bytes are not a canonical encoding. Ask the sender for the original bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input is longer than any object may be. Split it.
    #[error("{got} bytes are more than the {ENCODED_BYTES_MAX} that an object may have")]
    TooLong {
        /// Bytes given.
        got: usize,
    },
    /// The bytes end early, name an unknown variant, or hold an invalid value. Send the object as
    /// its author encoded it.
    #[error("malformed bytes: {reason}")]
    Malformed {
        /// What the decoder met.
        reason: String,
    },
    /// Bytes follow the object. Cut them off.
    #[error("{extra} bytes follow the object")]
    Trailing {
        /// How many bytes follow.
        extra: usize,
    },
    /// The bytes decode, but another, shorter or sorted, form is the canonical one. Encode with the
    /// project's encoder.
    #[error("the bytes are not in canonical form")]
    NotCanonical,
}

/// Canonical bytes of a value.
///
/// # Panics
/// Never for the project's own types: they hold nothing that the format cannot express.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the canonical bytes of a value.
pub fn encode_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    bincode::serde::encode_into_writer(value, Appended(bytes), bincode::config::standard())
        .expect("the project's types are encodable");
}

/// How many canonical bytes a value has.
pub fn encoded_len<T: Serialize>(value: &T) -> usize {
    let mut size = SizeWriter::default();
    bincode::serde::encode_into_writer(value, &mut size, bincode::config::standard())
        .expect("the project's types are encodable");
    size.bytes_written
}

/// Room for what is encoded most: items, entries and transactions take no second allocation.
const USUAL_BYTES: usize = 512;

struct Appended<'a>(&'a mut Vec<u8>);

impl Writer for Appended<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Reads a value from canonical bytes that came from outside.
///
/// # Errors
/// [`DecodeError`] for anything that is not exactly the canonical encoding of one value.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let value: T = decode_stored(bytes)?;
    if encode(&value) != bytes {
        return Err(DecodeError::NotCanonical);
    }
    Ok(value)
}

/// Reads a value from bytes that this program wrote itself and that a checksum or digest already
/// covers: as [`decode`], without encoding it again.
pub fn decode_stored<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, rest) = decode_prefix(bytes)?;
    if !rest.is_empty() {
        return Err(DecodeError::Trailing { extra: rest.len() });
    }
    Ok(value)
}

/// Reads one value from the front of `bytes` and returns what follows it.
pub fn decode_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), DecodeError> {
    if bytes.len() > ENCODED_BYTES_MAX {
        return Err(DecodeError::TooLong { got: bytes.len() });
    }
    let (value, read) = bincode::serde::decode_from_slice(bytes, frozen()).map_err(|error| {
        DecodeError::Malformed {
            reason: error.to_string(),
        }
    })?;
    Ok((value, &bytes[read..]))
}

/// Reads the version that a hashed or signed object starts with; any other than `KNOWN` fails
/// closed, before the rest is read. For `#[serde(deserialize_with)]`.
pub fn known_version<'de, D: Deserializer<'de>, const KNOWN: u16>(d: D) -> Result<u16, D::Error> {
    let version = u16::deserialize(d)?;
    if version == KNOWN {
        return Ok(version);
    }
    let reason = format!(
        "version {version} is unknown, this program reads version {KNOWN}: use a newer one"
    );
    Err(serde::de::Error::custom(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_that_of_the_bytes() {
        let value = (7_u8, "text", vec![70_000_u64; 300], Some([1_u8; 32]));
        assert_eq!(encoded_len(&value), encode(&value).len());
    }

    #[test]
    fn refuses_trailing_bytes() {
        let mut bytes = encode(&(1_u8, 2_u64));
        bytes.push(0);
        assert_eq!(
            decode::<(u8, u64)>(&bytes),
            Err(DecodeError::Trailing { extra: 1 })
        );
    }

    #[test]
    fn refuses_a_longer_form_of_the_same_integer() {
        let long_form_of_one = [251, 1, 0];
        assert_eq!(
            decode::<u64>(&long_form_of_one),
            Err(DecodeError::NotCanonical)
        );
    }

    #[test]
    fn refuses_an_oversize_length_before_allocating() {
        let claims_2_to_62_bytes = [253, 0, 0, 0, 0, 0, 0, 0, 64];
        for refused in [
            decode::<String>(&claims_2_to_62_bytes).map(drop),
            decode::<Vec<u64>>(&claims_2_to_62_bytes).map(drop),
        ] {
            assert!(matches!(refused, Err(DecodeError::Malformed { .. })));
        }
    }

    #[test]
    fn integers_are_variable_length_little_endian() {
        assert_eq!(encode(&250_u64), [250]);
        assert_eq!(encode(&251_u64), [251, 251, 0]);
        assert_eq!(encode(&70_000_u64), [252, 112, 17, 1, 0]);
    }
}
