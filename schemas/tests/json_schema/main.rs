//! The checked-in JSON Schemas are those of the code, and every example fits its own.
//!
//! `CHIPLEDGER_WRITE_VECTORS=1 cargo test -p chipledger-schemas --test json_schema` writes them
//! again.

use std::path::PathBuf;

use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::{examples, json_schema};
use serde_json::{Value, json};

mod structure;
use structure::fits;

fn assert_checked_in(name: &str, schema: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("json")
        .join(format!("{name}.json"));
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is JSON");
    text.push('\n');
    if std::env::var("CHIPLEDGER_WRITE_VECTORS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &text).expect("the json directory is writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "json/{name}.json is not that of the code; write it with CHIPLEDGER_WRITE_VECTORS=1"
    );
}

#[test]
fn checked_in_schemas_are_those_of_the_code() {
    for kind in Kind::ALL {
        assert_checked_in(kind.name(), &json_schema::of_kind(*kind));
    }
    assert_checked_in("transaction", &json_schema::of_transaction());
    assert_checked_in("genesis", &json_schema::of_genesis());
}

#[test]
fn every_example_fits_the_schema_of_its_kind_and_no_other() {
    for kind in Kind::ALL {
        let schema = json_schema::of_kind(*kind);
        for record in Kind::ALL.iter().flat_map(|other| examples::of(*other)) {
            let example = serde_json::to_value(&record).expect("a record is JSON");
            let fit = fits(&schema, &schema, &example);
            assert_eq!(
                fit.is_ok(),
                record.kind() == *kind,
                "{kind}: {example}: {fit:?}"
            );
        }
    }
    let schema = json_schema::of_genesis();
    let genesis = serde_json::to_value(examples::genesis()).expect("a genesis document is JSON");
    assert_eq!(fits(&schema, &schema, &genesis), Ok(()));
}

#[test]
fn every_field_occurs_in_an_example_and_every_optional_one_is_also_left_out() {
    for kind in Kind::ALL {
        let schema = json_schema::of_kind(*kind);
        let place = schema["properties"][kind.name()]["$ref"]
            .as_str()
            .expect("a reference");
        let fields = &schema["$defs"][place.trim_start_matches("#/$defs/")];
        let required: Vec<_> = fields["required"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let examples = examples::of(*kind);
        let forms: Vec<_> = examples
            .iter()
            .map(|r| serde_json::to_value(r).expect("JSON"))
            .collect();
        for field in fields["properties"].as_object().expect("an object").keys() {
            let absent = |form: &Value| form[kind.name()][field].is_null();
            assert!(!forms.iter().all(absent), "{kind}.{field} is in no example");
            if !required.contains(&&json!(field)) {
                assert!(
                    forms.iter().any(absent),
                    "{kind}.{field} is in every example"
                );
            }
        }
    }
}

#[test]
fn a_field_that_the_kind_does_not_have_is_refused_by_schema_and_reader() {
    for record in Kind::ALL.iter().flat_map(|kind| examples::of(*kind)) {
        let kind = record.kind();
        let schema = json_schema::of_kind(kind);
        let mut example = serde_json::to_value(&record).expect("a record is JSON");
        example[kind.name()]["occured_at"] = json!("2026-03-01T00:00:00Z");
        assert!(fits(&schema, &schema, &example).is_err(), "{kind}");
        assert!(serde_json::from_value::<Record>(example).is_err(), "{kind}");
    }
}
