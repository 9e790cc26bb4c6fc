//! Entries of a vector file, written and read.

use chipledger_schemas::encode::{decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A value's JSON form and canonical bytes.
pub(crate) fn entry<T: Serialize>(name: &str, value: &T) -> Value {
    json!({ "name": name, "json": value, "bytes": hex::encode(encode(value)) })
}

/// The value of an entry, once JSON form and bytes are found to lead to each other.
pub(crate) fn read<T>(entry: &Value) -> T
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let value: T = decode(&bytes(&entry["bytes"])).expect("the bytes decode");
    let from_json: T = serde_json::from_value(entry["json"].clone()).expect("the JSON reads");
    assert_eq!(value, from_json);
    assert_eq!(encode(&value), bytes(&entry["bytes"]));
    assert_eq!(
        serde_json::to_value(&value).expect("it has a JSON form"),
        entry["json"]
    );
    value
}

/// Bytes of a hexadecimal string.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a string")).expect("hexadecimal digits")
}
