//! `hashes.json`: every purpose with its context string, its key and two digests.

use chipledger_schemas::hash::{Hash, purposes};
use serde_json::{Value, json};

pub(crate) fn make() -> Value {
    let rows = purposes().into_iter().map(|(name, purpose)| {
        // The key is derived here once more, so that the file says what an independent program must
        // do.
        let key = blake3::derive_key(purpose.context(), b"");
        let digest = |bytes: &[u8]| Hash(*blake3::keyed_hash(&key, bytes).as_bytes());
        assert_eq!(purpose.hash(b""), digest(b""));
        assert_eq!(purpose.hash(b"abc"), digest(b"abc"));
        json!({
            "name": name,
            "context": purpose.context(),
            "key": hex::encode(key),
            "hash_of_nothing": digest(b""),
            "hash_of_abc": digest(b"abc"),
        })
    });
    Value::Array(rows.collect())
}
