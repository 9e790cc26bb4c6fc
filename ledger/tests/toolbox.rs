//! A malicious member's toolbox: each tool is refused with its code, and the block is as if it had
//! never been tried.

use std::collections::BTreeMap;
use std::convert::Infallible;

use chipledger_ledger::commitment::{BucketReader, Commitment, NameProof};
use chipledger_ledger::fixture::{MODEL, World, id, key};
use chipledger_ledger::rejection::Code;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_proof::names::{BucketEntry, bucket_index};
use chipledger_proof::state::name_slot;
use chipledger_schemas::encode::encode;
use chipledger_schemas::ids::{GenesisHash, ItemId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::{Install, Record, Register, SetKey, Ship};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};

fn register(world: &World, items: &str) -> Record {
    register_set(world, id(items))
}

fn register_set(world: &World, items: ItemSet) -> Record {
    Record::Register(Register {
        items,
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: world.now(),
    })
}

fn ship(world: &World, shipment: &str) -> Record {
    Record::Ship(Ship {
        shipment: id(shipment),
        items: id("FAB:1000"),
        to: id("OP"),
        to_site: id("US-DC"),
        carrier: None,
        expected_at: world.now().plus_ms(1_000_000),
        order: None,
        licence: None,
        clearance: None,
        declared: None,
        occurred_at: world.now(),
    })
}

/// The fixture with ten chips at the fab, and the transaction that registered them.
fn world() -> (World, Transaction) {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1009");
    let transaction = world.transaction("FAB", &[], vec![record]);
    world
        .submit_transaction(transaction.clone())
        .expect("a good record is taken");
    (world, transaction)
}

/// Changes the body of a transaction of the fab and signs it again.
fn resigned(transaction: Transaction, change: impl FnOnce(&mut Body)) -> Transaction {
    let mut body = transaction.body;
    change(&mut body);
    body.sign(&key("FAB"))
}

/// Puts a bad transaction before a good one into a block: it is refused, and the state afterwards
/// is that of the same history without it.
fn refused(code: Code, make: impl Fn(&mut World, &Transaction) -> Transaction) {
    let (mut tried, first) = world();
    let (mut honest, _) = world();
    let bad = make(&mut tried, &first);
    make(&mut honest, &first);
    let good = |world: &mut World| {
        let record = register(world, "FAB:2000..2009");
        world.transaction("FAB", &[], vec![record])
    };
    let (good, same) = (good(&mut tried), good(&mut honest));
    assert_eq!(good, same, "both worlds have the same history");
    let results = tried.submit_block(vec![bad, good]);
    assert_eq!(results[0].as_ref().expect_err("it is refused").code, code);
    assert_eq!(results[1], Ok(()));
    assert_eq!(honest.submit_block(vec![same]), [Ok(())]);
    assert_eq!(tried.state, honest.state, "{code} left something behind");
}

fn bytes_refused(code: Code, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let (world, first) = world();
    let bytes = change(encode(&first));
    let genesis = world.genesis.hash();
    let verified = VerifiedTransaction::from_bytes(&bytes, &genesis, &world.genesis.bounds);
    assert_eq!(verified.expect_err("they are refused").code, code);
}

#[test]
fn a_transaction_played_again_is_refused() {
    refused(Code::DuplicateTransaction, |_, first| first.clone());
}

#[test]
fn other_signatures_over_one_body_are_the_same_transaction() {
    refused(Code::DuplicateTransaction, |_, first| {
        first.clone().cosign(id("REG-1"), &key("REG-1"))
    });
}

#[test]
fn a_signature_shifted_by_the_order_of_the_group_does_not_verify() {
    // L = 2^252 + 27742317777372353535851937790883648493, little endian (RFC 8032, section 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    refused(Code::BadSignature, |world, _| {
        let record = register(world, "FAB:3000");
        let mut transaction = world.transaction("FAB", &[], vec![record]);
        let mut carry = 0_u16;
        for (byte, add) in transaction.signature.0[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        transaction
    });
}

#[test]
fn a_transaction_for_another_ledger_is_refused() {
    refused(Code::WrongChain, |_, first| {
        resigned(first.clone(), |body| {
            body.genesis = GenesisHash(chipledger_schemas::hash::Hash::ZERO);
        })
    });
}

#[test]
fn a_window_that_is_over_or_has_not_begun_is_refused() {
    refused(Code::Expired, |world, first| {
        let now = world.now();
        resigned(first.clone(), |body| body.valid_until = now)
    });
    refused(Code::NotYetValid, |world, first| {
        let later = world.now().plus_ms(1);
        resigned(first.clone(), |body| body.valid_from = later)
    });
}

#[test]
fn what_another_holds_is_out_of_reach() {
    refused(Code::ItemNotHeld, |world, _| {
        let record = Record::Install(Install {
            items: id("FAB:1000"),
            position: None,
            occurred_at: world.now(),
        });
        world.transaction("OP", &[], vec![record])
    });
}

#[test]
fn one_chip_is_not_sent_twice_within_one_transaction() {
    refused(Code::ItemInTransit, |world, _| {
        let records = vec![ship(world, "FAB:S1"), ship(world, "FAB:S2")];
        world.transaction("FAB", &[], records)
    });
}

#[test]
fn a_run_of_a_million_million_items_is_refused_from_its_few_bytes() {
    let run: ItemSet = id("FAB:000000000000..999999999999");
    assert_eq!(run.len(), 1_000_000_000_000);
    assert!(encode(&run).len() <= 30, "{} bytes", encode(&run).len());
    refused(Code::TooManyItems, |world, _| {
        let record = register_set(world, run.clone());
        world.transaction("FAB", &[], vec![record])
    });
}

#[test]
fn a_revoked_key_signs_nothing() {
    let mut world = World::new();
    let revoke = Record::SetKey(SetKey {
        member: id("FAB"),
        key: key("FAB").public(),
        action: KeyAction::Revoke,
    });
    world.submit("FAB", vec![revoke]).unwrap();
    let before = world.state.clone();
    let record = register(&world, "FAB:1000");
    let code = world.submit("FAB", vec![record]).unwrap_err().code;
    assert_eq!(code, Code::KeyNotValid);
    assert_eq!(world.state, before);
}

#[test]
fn a_serial_is_not_registered_again_under_another_model() {
    refused(Code::SerialTaken, |world, _| {
        let mut record = register(world, "FAB:0999..1000");
        if let Record::Register(register) = &mut record {
            register.model = id("NVIDIA/B200-SXM-180GB");
        }
        world.transaction("FAB", &[], vec![record])
    });
}

#[test]
fn a_version_that_nobody_knows_is_refused() {
    refused(Code::UnknownVersion, |_, first| {
        resigned(first.clone(), |body| body.version = TRANSACTION_VERSION + 1)
    });
    bytes_refused(Code::UnknownVersion, |mut bytes| {
        bytes[0] = 2;
        bytes
    });
}

#[test]
fn bytes_that_are_not_the_canonical_ones_are_refused() {
    bytes_refused(Code::Malformed, |mut bytes| {
        bytes.push(0);
        bytes
    });
    bytes_refused(Code::Malformed, |mut bytes| {
        bytes.pop();
        bytes
    });
    // The version, 1, in the three bytes that only numbers above 250 have.
    bytes_refused(Code::Malformed, |bytes| {
        let mut long = vec![251, 1, 0];
        long.extend(&bytes[1..]);
        long
    });
}

#[test]
fn a_length_beyond_the_bytes_is_refused_before_anything_is_allocated() {
    // Version 1, a genesis hash, and a member whose name would have 2^64 - 1 bytes.
    bytes_refused(Code::Malformed, |bytes| {
        let mut huge = bytes[..33].to_vec();
        huge.push(253);
        huge.extend([0xff; 8]);
        huge
    });
    bytes_refused(Code::TransactionTooLarge, |mut bytes| {
        bytes.resize(1024 * 1024, 0);
        bytes
    });
}

/// Buckets as a store would keep them.
struct Buckets(BTreeMap<u64, Vec<BucketEntry>>);

impl BucketReader for Buckets {
    type Error = Infallible;

    fn bucket(&self, index: u64) -> Result<Vec<BucketEntry>, Infallible> {
        Ok(self.0.get(&index).cloned().unwrap_or_default())
    }
}

/// Labels under one prefix whose names fall into the first of 256 buckets.
fn crafted(count: usize) -> Vec<ItemId> {
    (0_u32..)
        .map(|number| id(&format!("FAB:x{number}-0")))
        .filter(|label| bucket_index(&name_slot(label).0.digest(), 256) == 0)
        .take(count)
        .collect()
}

#[test]
fn names_crafted_for_one_bucket_leave_the_tree_right() {
    let (mut world, _) = world();
    let labels = crafted(60);
    let (known, unknown) = labels.split_at(50);
    let record = register_set(&world, ItemSet::of(known).unwrap());
    world.submit("FAB", vec![record]).unwrap();

    let stored = world.state.entries.values();
    let mut entries: Vec<_> = stored
        .map(|(key, entry)| (key.digest(), Some(entry.digest())))
        .collect();
    entries.sort_unstable();
    let mut commitment = Commitment::new();
    let none = Buckets(BTreeMap::new());
    let plan = commitment.plan(&none, 0, &[], &entries).unwrap();
    commitment.apply(&plan);
    let rows = plan
        .buckets
        .iter()
        .filter_map(|(at, row)| Some((*at, row.clone()?)));
    let buckets = Buckets(rows.collect());
    let names = commitment.names_root();
    for label in known {
        let digest = name_slot(label).0.digest();
        match commitment.prove(&buckets, &digest).unwrap() {
            NameProof::Present(entry, proof) => assert_eq!(proof.verify(&names, &entry), Ok(())),
            NameProof::Absent(_) => panic!("{label} is there"),
        }
    }
    for label in unknown {
        let digest = name_slot(label).0.digest();
        match commitment.prove(&buckets, &digest).unwrap() {
            NameProof::Absent(proof) => assert_eq!(proof.verify(&names, &digest), Ok(())),
            NameProof::Present(..) => panic!("{label} is not there"),
        }
    }
    let record = register_set(&world, ItemSet::of(&known[..1]).unwrap());
    let code = world.submit("FAB", vec![record]).unwrap_err().code;
    assert_eq!(code, Code::SerialTaken);
}
