//! The engine's messages in the ledger's canonical bytes, for peers and for the engine's log.
//!
//! The engine's types cannot be serialised; each has a twin here that can. Whatever does not
//! re-encode to the same bytes is refused, as everywhere.

use arc_malachitebft_codec::{Codec, HasEncodedLen};
use bytes::Bytes;
use chipledger_schemas::encode::{DecodeError, decode, encode};

mod twins;

pub use twins::Twin;

/// The codec of all messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wire;

/// A message that makes no sense. Its sender is faulty, or of another version.
#[derive(Debug, thiserror::Error)]
pub enum NotDecodable {
    /// The bytes are not canonical. Ask another peer.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// Something is longer than it may be. Ask another peer.
    #[error("the {what} is over its bound")]
    OverBound {
        /// What.
        what: &'static str,
    },
    /// The guard refused to sign it, so it is not sent. The engine goes on without it.
    #[error("it carries no signature")]
    Unsigned,
    /// The bytes of a peer id are none. Ask another peer.
    #[error("no peer id")]
    NoPeer,
}

impl<T: Twin> Codec<T> for Wire
where
    T::Wire: serde::de::DeserializeOwned,
{
    type Error = NotDecodable;

    fn decode(&self, bytes: Bytes) -> Result<T, NotDecodable> {
        T::from_wire(decode(&bytes)?)
    }

    fn encode(&self, message: &T) -> Result<Bytes, NotDecodable> {
        if message.is_unsigned() {
            return Err(NotDecodable::Unsigned);
        }
        Ok(encode(&message.to_wire()).into())
    }
}

impl<T: Twin> HasEncodedLen<T> for Wire
where
    T::Wire: serde::de::DeserializeOwned,
{
    fn encoded_len(&self, message: &T) -> Result<usize, NotDecodable> {
        Ok(encode(&message.to_wire()).len())
    }
}

/// Byte strings as one length and raw bytes, in one copy: blocks are long.
pub(crate) mod byte_string {
    use bytes::Bytes;
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Bytes, D::Error> {
        d.deserialize_byte_buf(Buffer)
    }

    struct Buffer;

    impl Visitor<'_> for Buffer {
        type Value = Bytes;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
            Ok(Bytes::copy_from_slice(bytes))
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
            Ok(bytes.into())
        }
    }
}
