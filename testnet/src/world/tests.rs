//! Claims about whole worlds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chipledger_schemas::encode::encode;
use chipledger_schemas::genesis::Bounds;
use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{RECORDS_MAX, Transaction, WINDOW_MS_MAX};

use self::book::Book;
use super::*;
use crate::batch::Batches;

mod book;

fn world(scale: &str, seed: u64) -> World {
    let scale_ppm = Scale::parse(scale).expect("a scale").ppm();
    World::new(WorldConfig {
        scale_ppm,
        seed,
        validators: 1,
    })
}

/// A thousandth of the world, shared by the tests that only read it.
static SMALL: LazyLock<(World, Vec<Transaction>)> = LazyLock::new(|| {
    let world = world("0.001", 1);
    let transactions = world.transactions().collect();
    (world, transactions)
});

fn records() -> impl Iterator<Item = &'static Record> {
    SMALL
        .1
        .iter()
        .flat_map(|transaction| &transaction.body.records)
}

fn digest(world: &World) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&encode(&world.genesis()));
    for transaction in world.transactions() {
        hasher.update(&encode(&transaction));
    }
    hasher.finalize()
}

#[test]
fn one_seed_gives_one_world_to_the_byte_and_another_seed_another() {
    let first = digest(&SMALL.0);
    assert_eq!(first, digest(&world("0.001", 1)));
    assert_ne!(first, digest(&world("0.001", 2)));
}

#[test]
fn the_genesis_is_sound() {
    let genesis = SMALL.0.genesis();
    genesis.check().expect("a sound genesis");
    let sorted = genesis
        .founders
        .windows(2)
        .all(|f| f[0].member.member < f[1].member.member);
    assert!(sorted);
    assert_eq!(
        SMALL.0.validator_key().public(),
        genesis.validators.0[0].key
    );
}

#[test]
fn every_record_is_well_formed_and_every_signature_verifies() {
    for transaction in &SMALL.1 {
        assert!(transaction.signatures_verify(), "{:?}", transaction.body);
        for record in &transaction.body.records {
            record
                .check()
                .unwrap_or_else(|error| panic!("{error}: {record:?}"));
        }
    }
}

#[test]
fn transactions_come_in_the_order_in_which_they_were_signed_within_their_windows() {
    let mut last = SMALL.0.genesis().time;
    for Transaction { body, .. } in &SMALL.1 {
        assert!(last <= body.signed_at);
        assert!(body.valid_from <= body.signed_at && body.signed_at < body.valid_until);
        assert!(body.valid_until.since_ms(body.valid_from) <= WINDOW_MS_MAX);
        last = body.signed_at;
        let future = body
            .records
            .iter()
            .filter_map(Record::occurred_at)
            .find(|at| *at > last);
        assert_eq!(future, None, "an event lies after its signature");
    }
}

#[test]
fn bounds_hold_at_full_scale() {
    let world = world("1", 1);
    let bounds = Bounds::default();
    for transaction in world.transactions() {
        assert!(transaction.item_events() <= bounds.block_item_events_max);
        assert!(encode(&transaction).len() as u64 <= bounds.transaction_bytes_max);
        let records = &transaction.body.records;
        assert!((1..=RECORDS_MAX).contains(&records.len()));
        let most = records.iter().map(Record::item_events).max();
        assert!(most <= Some(bounds.record_item_events_max));
    }
    assert_eq!(world.expected().total.chips, 1_840_384);
}

#[test]
fn a_model_that_knows_only_the_rules_ends_with_the_tables_of_the_csv() {
    let mut book = Book::new(&SMALL.0.genesis());
    for transaction in &SMALL.1 {
        book.apply(transaction);
    }
    assert_eq!(&book.held(), SMALL.0.expected_at_sites());
    assert!(book.ended() > 0);
    let by_jurisdiction = book.held_by_jurisdiction();
    let expected = SMALL.0.expected().by_jurisdiction.iter();
    assert_eq!(
        by_jurisdiction,
        expected.map(|(place, pool)| (*place, pool.chips)).collect()
    );
}

#[test]
fn larger_worlds_end_with_their_tables_too() {
    for (scale, seed) in [("0.02", 7), ("0.000001", 3)] {
        let world = world(scale, seed);
        let mut book = Book::new(&world.genesis());
        world
            .transactions()
            .for_each(|transaction| book.apply(&transaction));
        assert_eq!(&book.held(), world.expected_at_sites());
    }
}

#[test]
fn every_site_is_in_one_row_of_the_table() {
    let sites = SMALL.0.expected_at_sites();
    assert_eq!(sites.len(), 321);
    let chips: u64 = sites.values().flat_map(BTreeMap::values).sum();
    assert_eq!(chips, SMALL.0.expected().total.chips);
}

#[test]
fn the_story_has_late_reports_corrections_partial_receipts_returns_and_losses() {
    let kinds: BTreeSet<Kind> = records().map(Record::kind).collect();
    for kind in [
        Kind::Correct,
        Kind::Replace,
        Kind::Destroy,
        Kind::SetLoss,
        Kind::SetSeizure,
        Kind::VoidShipment,
        Kind::Redirect,
        Kind::SetLicence,
        Kind::Propose,
        Kind::DeclareProduction,
        Kind::Inspect,
    ] {
        assert!(kinds.contains(&kind), "{kind}");
    }
    let late_ms = 30 * chipledger_schemas::time::DAY_MS;
    let late = SMALL.1.iter().filter(|transaction| {
        let times = transaction
            .body
            .records
            .iter()
            .filter_map(Record::occurred_at);
        times
            .max()
            .is_some_and(|at| transaction.body.signed_at.since_ms(at) > late_ms)
    });
    assert!(late.count() > 0);
    let receipts = |world: &World, which: fn(&chipledger_schemas::records::Receive) -> bool| {
        let drafts = world.drafts.iter().flat_map(|draft| &draft.records);
        drafts
            .filter(|record| matches!(record, Record::Receive(r) if which(r)))
            .count()
    };
    let larger = world("0.1", 1);
    assert!(receipts(&larger, |receive| !receive.missing.is_empty()) > 0);
    assert!(receipts(&larger, |receive| !receive.refused.is_empty()) > 0);
}

#[test]
fn batches_keep_order_bounds_and_windows_and_lose_nothing() {
    let bounds = Bounds {
        record_item_events_max: 500,
        block_item_events_max: 500,
        ..Bounds::default()
    };
    let batches: Vec<_> = Batches::new(SMALL.1.iter().cloned(), &bounds).collect();
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), SMALL.1.len());
    for batch in &batches {
        let block_time = batch.iter().map(|t| t.body.signed_at).max();
        assert!(batch.iter().all(|t| Some(t.body.valid_until) > block_time));
        let events: u64 = batch.iter().map(Transaction::item_events).sum();
        assert!(batch.len() == 1 || events <= 500);
    }
    let order: Vec<Time> = batches.iter().flatten().map(|t| t.body.signed_at).collect();
    assert!(order.is_sorted());
}
