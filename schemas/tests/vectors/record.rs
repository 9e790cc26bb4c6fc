//! `<kind>.json`: examples of one kind, each with a transaction around it.

use chipledger_schemas::examples;
use chipledger_schemas::ids::{RecordId, TransactionId};
use chipledger_schemas::keys::verify_strict;
use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{
    Body, SignatureRole, Transaction, record_digest, signature_preimage,
};
use serde_json::{Value, json};

use crate::golden::{bytes, entry, read};

/// Author OPERA-DC with key 4 of the example genesis; every second example is co-signed by
/// SG-CUSTOMS.
fn transaction(index: usize, record: &Record) -> Transaction {
    let body = Body {
        version: 1,
        genesis: examples::genesis().hash(),
        member: "OPERA-DC".parse().expect("a member"),
        key: examples::key(4).public(),
        signed_at: Time(1_772_366_400_000),
        valid_from: Time(1_772_366_400_000),
        valid_until: Time(1_772_452_800_000),
        records: vec![record.clone()],
    };
    let signed = body.sign(&examples::key(4));
    if index.is_multiple_of(2) {
        return signed;
    }
    signed.cosign("SG-CUSTOMS".parse().expect("a member"), &examples::key(5))
}

pub(crate) fn make(kind: Kind) -> Value {
    let examples = examples::of(kind);
    let vectors = examples.iter().enumerate().map(|(index, record)| {
        let transaction = transaction(index, record);
        json!({
            "record": entry("record", record),
            "digest": record_digest(record),
            "transaction": entry("transaction", &transaction),
            "id": transaction.id(),
            "record_id": transaction.record_id(0),
            "signature": transaction.signature,
            "signed_digest": transaction.digest(&transaction.id()),
        })
    });
    json!({ "kind": kind, "vectors": vectors.collect::<Vec<_>>() })
}

pub(crate) fn check(kind: Kind, golden: &Value) {
    assert_eq!(golden["kind"], kind.name());
    let vectors = golden["vectors"].as_array().expect("a list of vectors");
    assert!(!vectors.is_empty(), "{kind}");
    for vector in vectors {
        let record: Record = read(&vector["record"]);
        assert_eq!(record.kind(), kind);
        assert_eq!(
            record_digest(&record).as_bytes()[..],
            bytes(&vector["digest"])
        );
        let transaction: Transaction = read(&vector["transaction"]);
        assert_eq!(transaction.body.records, [record]);
        check_signed(&transaction, vector);
    }
}

fn check_signed(transaction: &Transaction, vector: &Value) {
    let text = |field: &str| vector[field].as_str().expect("a string").to_owned();
    let id: TransactionId = text("id").parse().expect("an id");
    assert_eq!(transaction.id(), id);
    assert_eq!(RecordId::new(id, 0).to_string(), text("record_id"));
    assert_eq!(transaction.digest(&id).to_string(), text("signed_digest"));
    assert!(transaction.signatures_verify());
    let body = &transaction.body;
    let preimage = signature_preimage(&body.genesis, &id, SignatureRole::Author, &body.member);
    let signature = text("signature").parse().expect("a signature");
    assert!(verify_strict(&body.key, &preimage, &signature));
    assert_eq!(transaction.signature, signature);
}
