//! A signed transaction cannot be changed on its way: every other sequence of bytes is refused, or
//! is another transaction, or its signatures do not verify.

use chipledger_schemas::encode::{DecodeError, ENCODED_BYTES_MAX, decode, encode};
use chipledger_schemas::examples;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{Body, Transaction};
use proptest::prelude::*;

fn member(name: &str) -> MemberId {
    name.parse().expect("a member")
}

fn signed(records: Vec<Record>) -> Transaction {
    let body = Body {
        version: 1,
        genesis: examples::genesis().hash(),
        member: member("OPERA-DC"),
        key: examples::key(4).public(),
        signed_at: Time(1_772_366_400_000),
        valid_from: Time(1_772_366_400_000),
        valid_until: Time(1_772_452_800_000),
        records,
    };
    let signed = body.sign(&examples::key(4));
    signed.cosign(member("SG-CUSTOMS"), &examples::key(5))
}

fn transaction_of(kind: Kind) -> Transaction {
    signed(examples::of(kind))
}

/// What a receiver finds wrong with `bytes` that should be the transaction `sent`.
fn is_caught(bytes: &[u8], sent: &Transaction) -> bool {
    decode::<Transaction>(bytes).map_or(true, |got| {
        got.id() != sent.id() || !got.signatures_verify()
    })
}

#[test]
fn every_flipped_bit_of_a_transaction_is_caught() {
    for kind in [Kind::Install, Kind::Propose, Kind::Correct, Kind::Pack] {
        let sent = transaction_of(kind);
        let mut bytes = encode(&sent);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                assert!(is_caught(&bytes, &sent), "{kind}: byte {at}, bit {bit}");
                bytes[at] ^= 1 << bit;
            }
        }
        assert!(!is_caught(&bytes, &sent));
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = encode(&transaction_of(Kind::Ship));
    for len in 0..bytes.len() {
        assert!(
            decode::<Transaction>(&bytes[..len]).is_err(),
            "cut to {len}"
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        decode::<Transaction>(&longer),
        Err(DecodeError::Trailing { extra: 1 })
    );
}

#[test]
fn an_unknown_version_fails_closed_in_bytes_and_in_json() {
    for version in [0_u8, 2, 250] {
        let mut bytes = encode(&transaction_of(Kind::Install));
        // The version is the first byte of the body, and the body is the first field.
        bytes[0] = version;
        let reason = decode::<Transaction>(&bytes)
            .expect_err("a version from the future")
            .to_string();
        assert!(
            reason.contains(&format!("version {version} is unknown")),
            "{reason}"
        );
        let mut bytes = encode(&examples::genesis());
        bytes[0] = version;
        assert!(decode::<Genesis>(&bytes).is_err());
        let mut json =
            serde_json::to_value(examples::genesis()).expect("a genesis document is JSON");
        json["version"] = version.into();
        assert!(serde_json::from_value::<Genesis>(json).is_err());
    }
}

#[test]
fn lengths_beyond_the_input_are_refused_before_anything_is_allocated() {
    // After the version, ledger, member, key and three times comes the number of records. Were the
    // claim believed, the decoder would ask for exabytes and the process would be aborted.
    let sent = signed(Vec::new());
    let body = encode(&sent.body);
    let (empty_list, head) = body.split_last().expect("a body has bytes");
    assert_eq!(*empty_list, 0);
    for claim in [u64::from(u32::MAX), 1 << 40, 1 << 62, u64::MAX] {
        let bytes = [head, &[253][..], &claim.to_le_bytes()].concat();
        assert!(
            matches!(decode::<Body>(&bytes), Err(DecodeError::Malformed { .. })),
            "{claim}"
        );
        assert!(matches!(
            decode::<Vec<u8>>(&bytes[head.len()..]),
            Err(DecodeError::Malformed { .. })
        ));
    }
    let too_long = vec![0; ENCODED_BYTES_MAX + 1];
    assert!(matches!(
        decode::<Transaction>(&too_long),
        Err(DecodeError::TooLong { .. })
    ));
}

#[test]
fn a_signature_of_one_capacity_is_none_of_another() {
    let sent = transaction_of(Kind::Install);
    let mut swapped = sent.clone();
    // The author's own signature, shown as a co-signature of the author.
    swapped.cosignatures[0].member = sent.body.member.clone();
    swapped.cosignatures[0].key = sent.body.key;
    swapped.cosignatures[0].signature = sent.signature;
    assert!(!swapped.signatures_verify());
}

#[test]
fn a_transaction_keeps_its_id_whoever_signs_it() {
    let sent = transaction_of(Kind::Install);
    let more = sent.clone().cosign(member("DE-CUSTOMS"), &examples::key(1));
    assert_eq!(more.id(), sent.id());
    assert_ne!(more.digest(&more.id()), sent.digest(&sent.id()));
    assert!(more.signatures_verify());
    assert!(more.cosignatures.is_sorted());
    let again = more.clone().cosign(member("DE-CUSTOMS"), &examples::key(1));
    assert_eq!(again, more);
}

proptest! {
    #[test]
    fn any_changed_bytes_of_any_kind_are_caught(
        kind in 0..Kind::ALL.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let sent = transaction_of(Kind::ALL[kind]);
        let bytes = encode(&sent);
        let mut changed = bytes.clone();
        for (at, byte) in changes {
            changed[at.index(bytes.len())] = byte;
        }
        prop_assert!(changed == bytes || is_caught(&changed, &sent));
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_canonical_and_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        if let Ok(transaction) = decode::<Transaction>(&bytes) {
            prop_assert_eq!(encode(&transaction), bytes.clone());
        }
        // A record of a known kind gets the decoder further than noise.
        let kind = bytes.first().map_or(0, |b| usize::from(*b) % Kind::ALL.len());
        let record = [&encode(&Kind::ALL[kind])[..], &bytes].concat();
        if let Ok(record) = decode::<Record>(&record) {
            let _ = (record.check(), record.item_events());
        }
    }
}
