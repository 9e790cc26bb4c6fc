//! JSON Schemas (draft 2020-12) of the JSON form, made from the same types that are encoded. They
//! are checked in as `json/<kind>.json`, `json/transaction.json` and `json/genesis.json`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use crate::api;
use crate::genesis::Genesis;
use crate::records::Kind;
use crate::transaction::Transaction;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// The schema of one record of a kind, as it stands in a file to submit: `{"install": {...}}`.
pub fn of_kind(kind: Kind) -> Value {
    let mut generator = generator();
    let fields = kind.subschema(&mut generator);
    let definitions = generator.take_definitions(true);
    json!({
        "$schema": DIALECT,
        "title": kind.name(),
        "description": format!("A record of kind {kind}."),
        "type": "object",
        "properties": { kind.name(): fields },
        "required": [kind.name()],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// The schema of a signed transaction.
pub fn of_transaction() -> Value {
    root::<Transaction>()
}

/// The schema of a genesis document.
pub fn of_genesis() -> Value {
    root::<Genesis>()
}

/// The schemas of what crosses HTTP, by name, for the components of an OpenAPI document.
pub fn of_api() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    generator.subschema_for::<api::ErrorBody>();
    generator.subschema_for::<api::TransactionAnswer>();
    generator.subschema_for::<api::CheckAnswer>();
    generator.subschema_for::<api::StatusAnswer>();
    generator.subschema_for::<api::Health>();
    generator.subschema_for::<api::BlocksAnswer>();
    generator.subschema_for::<api::CheckpointAnswer>();
    generator.subschema_for::<api::BlockEvent>();
    generator.subschema_for::<Genesis>();
    generator.subschema_for::<Transaction>();
    generator.take_definitions(true).into()
}

fn root<T: JsonSchema>() -> Value {
    generator().into_root_schema_for::<T>().into()
}
