//! Each property is contradicted by exactly the run that breaks it.

use std::time::Duration;

use chipledger_schemas::certificate::{Certificate, CommitSignature, vote_preimage};
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::RecordId;
use chipledger_schemas::records::{Annotate, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};

use super::*;
use crate::world::Cast;

fn note(cast: &Cast, number: u64) -> Transaction {
    let member = cast.observer();
    let key = cast.admin_key(&member);
    let body = Body {
        version: TRANSACTION_VERSION,
        genesis: cast.genesis().hash(),
        key: key.public(),
        member,
        signed_at: Time(number),
        valid_from: Time(number),
        valid_until: Time(number + 1),
        records: vec![Record::Annotate(Annotate {
            record: RecordId::new(TransactionId(Hash::ZERO), 0),
            text: format!("number {number}"),
        })],
    };
    body.sign(&key)
}

/// A chain of so many blocks with one transaction each, certified by all.
fn chain(cast: &Cast, blocks: u64) -> Vec<BlockAnswer> {
    let genesis = cast.genesis();
    let (hash, set) = (genesis.hash(), &genesis.validators);
    let mut made: Vec<BlockAnswer> = Vec::new();
    for height in 0..blocks {
        let header = chipledger_schemas::block::Header {
            version: 1,
            genesis: hash,
            height: Height(height),
            round: 0,
            time: Time(height),
            parent: made.last().map(|block| block.hash).unwrap_or_default(),
            proposer: set.0[0].member.clone(),
            transactions_root: Hash([1; 32]),
            state_root: Hash([2; 32]),
            history_root: Hash([3; 32]),
            validators: set.digest(),
            next_validators: set.digest(),
            protocol: 1,
        };
        let block = header.hash();
        let preimage = vote_preimage(&hash, Height(height), 0, &block);
        let sign = |seat: &chipledger_schemas::certificate::ValidatorSeat| CommitSignature {
            member: seat.member.clone(),
            signature: cast.validator_key(&seat.member).sign(&preimage),
        };
        made.push(BlockAnswer {
            hash: block,
            header,
            certificate: Certificate {
                height: Height(height),
                round: 0,
                block,
                signatures: set.0.iter().map(sign).collect(),
            },
            transactions: Some(vec![note(cast, height)]),
        });
    }
    made
}

fn run() -> Run {
    let cast = Cast::new(1, 4, Clock::Wall);
    let blocks = chain(&cast, 4);
    let told = &blocks[2];
    let inside = told.transactions.as_ref().unwrap();
    Run {
        genesis: cast.genesis().clone(),
        acknowledged: vec![Acknowledged {
            id: inside[0].id(),
            node: 0,
            height: Height(2),
            index: 0,
            block: told.hash,
        }],
        chains: (0..3)
            .map(|node| Chain {
                node,
                blocks: blocks.clone(),
            })
            .collect(),
        seen: vec![seen(0, 0, 1), seen(1, 0, 3), seen(0, 0, 2)],
        healed: vec![healed(Some(9_999))],
        traitors: Vec::new(),
    }
}

fn seen(node: usize, life: u32, height: u64) -> Seen {
    let height = Height(height);
    Seen { node, life, height }
}

fn healed(resumed_ms: Option<u64>) -> Healed {
    Healed {
        fault: "a test".to_owned(),
        resumed: resumed_ms.map(Duration::from_millis),
    }
}

/// The properties that complain about a run.
fn complaints(run: &Run) -> Vec<&'static str> {
    let mut names: Vec<_> = check(run).into_iter().map(|found| found.property).collect();
    names.dedup();
    names
}

#[test]
fn a_good_run_has_nothing_against_it() {
    assert_eq!(check(&run()), []);
}

#[test]
fn a_node_that_executed_differently_is_found() {
    let mut run = run();
    run.chains[1].blocks[3].header.state_root = Hash([9; 32]);
    assert_eq!(complaints(&run), ["agreement", "chained"]);
}

#[test]
fn a_fork_is_found_although_both_sides_are_well_formed() {
    let mut run = run();
    let cast = Cast::new(1, 4, Clock::Wall);
    let mut other = chain(&cast, 4);
    let last = &mut other[3];
    last.header.time = Time(4);
    last.hash = last.header.hash();
    let preimage = vote_preimage(&cast.genesis().hash(), Height(3), 0, &last.hash);
    for signature in &mut last.certificate.signatures {
        signature.signature = cast.validator_key(&signature.member).sign(&preimage);
    }
    last.certificate.block = last.hash;
    run.chains[2].blocks = other;
    assert_eq!(complaints(&run), ["agreement"]);
}

#[test]
fn a_missing_height_and_an_empty_node_are_found() {
    let mut run = run();
    run.chains[0].blocks.remove(1);
    assert_eq!(complaints(&run), ["chained"]);
    run.chains[0].blocks.clear();
    assert_eq!(complaints(&run), ["chained", "durable"]);
}

#[test]
fn a_certificate_of_half_the_power_or_with_a_forged_signature_is_found() {
    let mut half = run();
    half.chains[0].blocks[2].certificate.signatures.truncate(2);
    assert_eq!(complaints(&half), ["certified"]);
    let mut forged = run();
    forged.chains[0].blocks[2].certificate.signatures[0]
        .signature
        .0[0] ^= 1;
    assert_eq!(complaints(&forged), ["certified"]);
}

#[test]
fn a_lost_acknowledgement_is_found_on_any_node() {
    let mut run = run();
    run.chains[2].blocks[2].transactions = Some(Vec::new());
    assert_eq!(complaints(&run), ["durable"]);
}

#[test]
fn a_doubled_transaction_is_found_even_if_every_node_has_it_twice() {
    let mut run = run();
    for chain in &mut run.chains {
        let first = chain.blocks[1].transactions.clone();
        chain.blocks[3].transactions = first;
    }
    assert_eq!(complaints(&run), ["once"]);
}

#[test]
fn a_height_that_fell_is_found_unless_the_data_was_wiped() {
    let mut run = run();
    run.seen.push(seen(0, 1, 1));
    assert_eq!(complaints(&run), Vec::<&str>::new());
    run.seen.push(seen(1, 0, 2));
    assert_eq!(complaints(&run), ["monotone"]);
}

#[test]
fn a_network_that_stays_down_or_returns_late_is_found() {
    for resumed in [None, Some(10_001)] {
        let mut run = run();
        run.healed.push(healed(resumed));
        assert_eq!(complaints(&run), ["progress"]);
    }
}
