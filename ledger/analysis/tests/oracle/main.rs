//! Every question against the oracle, on random histories with late reports, corrections and
//! disputes, at random moments.

#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

use std::collections::BTreeMap;

use chipledger_analysis::compute::{Question, Rows};
use chipledger_analysis::{Book, Shelf, flows};
use chipledger_ledger::read::balances::{By, Compute, ComputeQuery};
use chipledger_ledger::read::{AsOf, Known};
use chipledger_schemas::api::Basis;
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::Time;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

mod history;
mod replay;

use history::History;

const SEEDS: u64 = 8;
const STEPS: usize = 160;
const MOMENTS: usize = 60;

fn as_of(at: Option<Time>, known: Height) -> AsOf {
    AsOf {
        at,
        known_at: Some(Known::Height(known)),
    }
}

/// Histories of every seed, each with a generator for questions about it.
fn histories() -> impl Iterator<Item = (u64, History, ChaCha20Rng)> {
    (0..SEEDS).map(|seed| {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut history = History::new();
        for _ in 0..STEPS {
            history.step(&mut rng);
        }
        assert!(
            history.heights.len() > STEPS / 2,
            "seed {seed}: too much was refused"
        );
        (seed, history, rng)
    })
}

#[test]
fn compute_crossed_by_any_two_dimensions_is_what_the_chips_one_by_one_are() {
    let mut asked = 0;
    for (seed, history, mut rng) in histories() {
        let shelf = Shelf::new(history.solo.store().clone());
        for _ in 0..MOMENTS {
            let (by, cross) = loop {
                let pick = |rng: &mut ChaCha20Rng| *By::ALL.choose(rng).unwrap();
                let (by, cross) = (pick(&mut rng), pick(&mut rng));
                if by != cross {
                    break (by, cross);
                }
            };
            let (at, known) = history.moment(&mut rng);
            let filter = (rng.random_range(0..3) == 0).then_some(("status", "stock"));
            let filters = filter.map(|(by, value)| format!("{by}={value}").parse().unwrap());
            let question = Question {
                rows: Rows {
                    by,
                    cross: Some(cross),
                },
                as_of: as_of(at, known),
                filters: filters.into_iter().collect(),
                metric: chipledger_ledger::read::concentration::Metric::Count,
            };
            let answer = shelf.compute(&question).unwrap();
            let (by, cross) = (by.as_str(), cross.as_str());
            let expected = replay::table(&history.chips, by, cross, filter, at, known);
            let mut got = replay::Table::new();
            let pooled = answer.answer;
            for (row, parts) in &pooled.crossed {
                for (part, amounts) in parts {
                    let sums = (amounts.chips, amounts.disputed);
                    got.insert((row.clone(), part.clone()), sums);
                }
                let sum = parts
                    .values()
                    .fold(Compute::default(), |sum, part| sum.plus(part));
                assert_eq!(
                    pooled.compute.rows[row], sum,
                    "the parts of {row} sum to it"
                );
            }
            assert_eq!(
                got, expected,
                "seed {seed}, {by} x {cross} at {at:?} known {known}"
            );
            let sum: u64 = pooled.compute.rows.values().map(|row| row.chips).sum();
            assert_eq!(pooled.compute.total.chips, sum);
            asked += usize::from(!expected.is_empty());
        }
    }
    assert!(asked > 200, "only {asked} questions had an answer");
}

#[test]
fn the_present_is_the_committed_accounts_whether_the_book_is_open_or_not() {
    for (seed, history, _) in histories().take(3) {
        let shelf = Shelf::new(history.solo.store().clone());
        for by in By::ALL {
            let question = Question {
                rows: Rows {
                    by: *by,
                    cross: None,
                },
                as_of: AsOf::default(),
                filters: Vec::new(),
                metric: chipledger_ledger::read::concentration::Metric::Tpp,
            };
            let closed = shelf.compute(&question).unwrap();
            let other = Shelf::new(history.solo.store().clone());
            other.ask(|_, _| Ok(())).unwrap();
            let open = other.compute(&question).unwrap();
            assert_eq!(closed, open, "seed {seed}, by {by:?}");
            assert_eq!(closed.basis, Basis::Committed);
            let view = history.solo.store().view();
            let query = ComputeQuery {
                by: *by,
                as_of: AsOf::default(),
                filters: Vec::new(),
            };
            assert_eq!(view.compute(&query).unwrap(), closed.answer.compute);
        }
    }
}

#[test]
fn a_book_that_was_caught_up_block_by_block_is_the_one_that_was_loaded() {
    let mut rng = ChaCha20Rng::seed_from_u64(99);
    let mut history = History::new();
    let mut book = Book::load(&history.solo.store().view()).unwrap();
    for _ in 0..STEPS {
        history.step(&mut rng);
        book.catch_up(&history.solo.store().view()).unwrap();
    }
    let view = history.solo.store().view();
    let loaded = Book::load(&view).unwrap();
    assert_eq!(book.height(), loaded.height());
    assert!(book.postings().eq(loaded.postings()));
    assert!(book.postings().count() > STEPS / 2);
    for _ in 0..MOMENTS {
        let (at, known) = history.moment(&mut rng);
        let moment = view.moment(as_of(at, known)).unwrap();
        assert_eq!(book.balances(moment), loaded.balances(moment));
    }
}

#[test]
fn flows_are_the_moves_of_the_chips_one_by_one_and_balance() {
    let mut moved = 0;
    for (seed, history, mut rng) in histories() {
        let shelf = Shelf::new(history.solo.store().clone());
        for _ in 0..MOMENTS {
            let by = *[
                By::Jurisdiction,
                By::Site,
                By::Holder,
                By::Owner,
                By::Status,
            ]
            .choose(&mut rng)
            .unwrap();
            let (until, known) = history.moment(&mut rng);
            let since = history.event_time(&mut rng);
            let until = until.map(|until| until.max(since));
            let question = flows::Question {
                by,
                since,
                until,
                known_at: Some(Known::Height(known)),
                filters: Vec::new(),
            };
            let answer = shelf.flows(&question).unwrap().answer;
            for (row, flow) in &answer.rows {
                assert!(flow.balances(), "seed {seed}, row {row}: {flow:?}");
            }
            assert!(answer.total.balances());
            assert_eq!(answer.total.came, answer.total.went);
            moved += answer.moves.len();
            check_flows(&history, &answer, known, seed);
        }
    }
    assert!(moved > 600, "only {moved} flows");
}

fn check_flows(history: &History, answer: &flows::Flows, known: Height, seed: u64) {
    let by = answer.by.as_str();
    let mut moves: BTreeMap<(Option<String>, Option<String>), u64> = BTreeMap::new();
    for chip in &history.chips {
        for passed in chip.moves(by, answer.since, answer.until, known) {
            *moves.entry(passed).or_default() += 1;
        }
    }
    let side = |at| {
        let mut rows: BTreeMap<String, u64> = BTreeMap::new();
        for ((row, _), (chips, _)) in replay::table(&history.chips, by, by, None, at, known) {
            rows.insert(row, chips);
        }
        rows
    };
    let (opening, closing) = (side(Some(answer.since)), side(answer.until));
    let told = |text: &str, rows: &BTreeMap<String, u64>| rows.get(text).copied().unwrap_or(0);
    for (row, flow) in &answer.rows {
        assert_eq!(
            flow.opening.chips,
            told(row, &opening),
            "seed {seed}, {by} {row}"
        );
        assert_eq!(
            flow.closing.chips,
            told(row, &closing),
            "seed {seed}, {by} {row}"
        );
    }
    let mut got = BTreeMap::new();
    for passage in &answer.moves {
        let ends = (Some(passage.from.clone()), Some(passage.to.clone()));
        got.insert(ends, passage.amounts.chips);
    }
    for (row, flow) in &answer.rows {
        let row = Some(row.clone());
        for (ends, amounts) in [
            ((None, row.clone()), flow.created),
            ((row, None), flow.ended),
        ] {
            if amounts.chips > 0 {
                got.insert(ends, amounts.chips);
            }
        }
    }
    assert_eq!(got, moves, "seed {seed}, by {by}, since {}", answer.since);
}
