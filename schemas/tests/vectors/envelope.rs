//! `envelope.json`: what is not a record.

use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::{Certificate, CommitSignature, ValidatorSet, vote_preimage};
use chipledger_schemas::examples;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, DocumentId, Height, ItemId, RecordId, TransactionId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::merkle::list_root;
use chipledger_schemas::time::Time;
use serde_json::{Value, json};

use crate::golden::{bytes, entry, read};

/// Keys 10 to 13 vote in the example genesis.
const VOTERS: [u8; 3] = [10, 11, 13];

const ITEM_SETS: [(&str, &str); 9] = [
    ("empty", ""),
    ("one", "NVIDIA:1654322001234"),
    (
        "a thousand consecutive",
        "NVIDIA:1654322001000..1654322001999",
    ),
    ("two runs with a gap", "A:001..004, A:006..009"),
    ("7 is not 007", "A:7, A:007"),
    ("no number", "ACME-DC:rack"),
    (
        "the widest number",
        "A:000000000000000000..999999999999999999",
    ),
    ("more digits than a number", "A:12345678901234567890"),
    (
        "two issuers and punctuation",
        "A:b/c#1..b/c#2, 0614141:cpi.123abc.41",
    ),
];

/// The epoch, the longest byte, an instant with milliseconds, the last one that can be written.
const TIMES: [u64; 4] = [0, 250, 1_772_366_400_123, 253_402_128_000_000];

fn header(genesis: &Genesis) -> Header {
    let digit = |digit: u8| Hash([digit; 32]);
    Header {
        version: 1,
        genesis: genesis.hash(),
        height: Height(70_000),
        round: 1,
        time: Time(1_772_366_400_123),
        parent: BlockHash(digit(0x11)),
        proposer: "US-CUSTOMS".parse().expect("a member"),
        transactions_root: list_root(&[digit(0x22), digit(0x33), digit(0x44)]),
        state_root: digit(0x55),
        history_root: digit(0x66),
        validators: genesis.validators.digest(),
        next_validators: digit(0x77),
        protocol: 1,
    }
}

fn certificate(genesis: &Genesis, header: &Header) -> Certificate {
    let preimage = vote_preimage(&genesis.hash(), header.height, 2, &header.hash());
    let vote = |seed: u8| {
        let key = examples::key(seed);
        let seat = genesis
            .validators
            .0
            .iter()
            .find(|seat| seat.key == key.public());
        CommitSignature {
            member: seat.expect("a validator").member.clone(),
            signature: key.sign(&preimage),
        }
    };
    Certificate {
        height: header.height,
        round: 2,
        block: header.hash(),
        signatures: VOTERS.map(vote).to_vec(),
    }
}

pub(crate) fn make() -> Value {
    let genesis = examples::genesis();
    let header = header(&genesis);
    let certificate = certificate(&genesis, &header);
    let sets = ITEM_SETS.iter().map(|(name, text)| {
        let set: ItemSet = text.parse().expect("an item set");
        let mut entry = entry(name, &set);
        entry["items"] = json!(set.len());
        entry
    });
    let preimage = vote_preimage(&genesis.hash(), header.height, 2, &header.hash());
    let document: DocumentId = "DISTRICO:SHP-2026/7".parse().expect("an id");
    let transaction = TransactionId(Hash([0xab; 32]));
    json!({
        "genesis": entry("genesis", &genesis),
        "genesis_hash": genesis.hash(),
        "validators": entry("validators", &genesis.validators),
        "validators_digest": genesis.validators.digest(),
        "header": entry("header", &header),
        "block_hash": header.hash(),
        "vote_preimage": hex::encode(preimage),
        "certificate": entry("certificate", &certificate),
        "item_sets": sets.collect::<Vec<_>>(),
        "item_id": entry("item id", &"acme-dc:RACK-17".parse::<ItemId>().expect("an id")),
        "document_id": entry("document", &document),
        "record_ids_of_abab": [RecordId::new(transaction, 0), RecordId::new(transaction, 999)],
        "times": TIMES.map(|ms| entry("time", &Time(ms))),
        "list_root_of_none": list_root(&[]),
        "list_root_of_one": list_root(&[Hash([0x22; 32])]),
    })
}

pub(crate) fn check(golden: &Value) {
    let genesis: Genesis = read(&golden["genesis"]);
    assert_eq!(
        genesis.hash().0.as_bytes()[..],
        bytes(&golden["genesis_hash"])
    );
    let validators: ValidatorSet = read(&golden["validators"]);
    assert_eq!(
        validators.digest().as_bytes()[..],
        bytes(&golden["validators_digest"])
    );
    let header: Header = read(&golden["header"]);
    assert_eq!(header.hash().0.as_bytes()[..], bytes(&golden["block_hash"]));
    let certificate: Certificate = read(&golden["certificate"]);
    certificate
        .verify(&genesis.hash(), header.height, &header.hash(), &validators)
        .expect("three of four validators are a quorum");
    for set in golden["item_sets"].as_array().expect("a list of sets") {
        assert_eq!(json!(read::<ItemSet>(set).len()), set["items"]);
    }
    read::<ItemId>(&golden["item_id"]);
    read::<DocumentId>(&golden["document_id"]);
    for time in golden["times"].as_array().expect("a list of times") {
        read::<Time>(time);
    }
}
