//! Golden vectors: the bytes, digests and signatures that this format has forever.
//!
//! `vectors/*.json` are checked in. Old vectors must decode, and encode to the same bytes; to
//! change one is a decision (`docs/decisions/`). `CHIPLEDGER_WRITE_VECTORS=1 cargo test -p
//! chipledger-schemas --test vectors` writes them again, after a new kind for instance; nothing
//! else does.

use std::path::PathBuf;

use chipledger_schemas::records::Kind;
use serde_json::Value;

mod envelope;
mod golden;
mod hashes;
mod record;
mod signatures;

/// The file, written first if the environment asks for it.
fn golden_file(name: &str, make: impl FnOnce() -> Value) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(format!("{name}.json"));
    if std::env::var("CHIPLEDGER_WRITE_VECTORS").is_ok_and(|value| value == "1") {
        let mut text = serde_json::to_string_pretty(&make()).expect("JSON values are writable");
        text.push('\n');
        std::fs::write(&path, text).expect("the vectors directory is writable");
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; write new vectors with CHIPLEDGER_WRITE_VECTORS=1",
            path.display()
        )
    });
    serde_json::from_str(&text).expect("a vector file is JSON")
}

#[test]
fn every_kind_has_vectors_that_decode_and_encode_to_the_same_bytes() {
    for kind in Kind::ALL {
        let golden = golden_file(kind.name(), || record::make(*kind));
        record::check(*kind, &golden);
        assert!(
            golden == record::make(*kind),
            "{kind}: the examples changed, or the format did"
        );
    }
}

#[test]
fn headers_certificates_genesis_and_item_sets_keep_their_bytes() {
    let golden = golden_file("envelope", envelope::make);
    envelope::check(&golden);
    assert!(
        golden == envelope::make(),
        "envelope.json: the format changed"
    );
}

#[test]
fn every_purpose_keeps_its_key_and_its_digests() {
    let golden = golden_file("hashes", hashes::make);
    assert!(
        golden == hashes::make(),
        "hashes.json: a purpose changed or is missing"
    );
}

#[test]
fn signatures_at_the_edges_are_judged_as_ever() {
    let golden = golden_file("signatures", signatures::make);
    signatures::check(&golden);
    assert!(
        golden == signatures::make(),
        "signatures.json: a judgement changed"
    );
}
