//! What questions cost: on a ledger that was loaded the real way, and on a book of single-chip
//! postings, the most that so many item-events can come to.
//!
//! The world moves chips by the pallet, so that its item-events make far fewer postings. The second
//! book therefore has one posting for every item-event: chips that go one by one from a fab to one
//! of 300 sites in 30 jurisdictions and on, most events reported within hours, some after weeks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chipledger_analysis::compute::{Question, Rows, pooled};
use chipledger_analysis::concentration::{self, concentration};
use chipledger_analysis::{Book, Shelf, flows};
use chipledger_ledger::read::balances::By;
use chipledger_ledger::read::concentration::Metric;
use chipledger_ledger::read::postings::PostingRow;
use chipledger_ledger::read::{AsOf, Known, Moment, Spot};
use chipledger_ledger::state::State;
use chipledger_ledger::store::Store;
use chipledger_proof::state::{Account, AccountPlace, ModelNumber};
use chipledger_schemas::api::Basis;
use chipledger_schemas::ids::{Height, ItemNumber};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::words::Status;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use super::{BenchError, peak_rss_kib};
use crate::load::load;
use crate::world::{World, WorldConfig};

/// What to measure.
#[derive(Clone, Debug)]
pub struct AnalysisBench {
    /// Scale of the world that is loaded, parts per million.
    pub scale_ppm: u64,
    /// Chips of the book of single-chip postings; it has ten postings for each.
    pub chips: u64,
    /// How often each question is asked.
    pub asked: usize,
    /// Where the ledger is made; removed afterwards.
    pub dir: PathBuf,
}

/// How long a question took, beside what it should take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Taken {
    /// The question.
    pub what: &'static str,
    /// Half of the answers came within, nanoseconds.
    pub p50_ns: u64,
    /// 99 of 100 did.
    pub p99_ns: u64,
    /// What the half, or the 99, should come within, nanoseconds.
    pub target_ns: u64,
    /// Which of the two the target is for.
    pub target_is_p99: bool,
}

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Items and item-events of the world.
    pub world_items: u64,
    /// Its item-events.
    pub world_item_events: u64,
    /// Its postings.
    pub world_postings: u64,
    /// Milliseconds to read its book from disk.
    pub world_load_ms: u64,
    /// Postings of the second book.
    pub postings: u64,
    /// Accounts that they are between.
    pub accounts: u64,
    /// Bytes of that book.
    pub book_bytes: u64,
    /// Questions.
    pub taken: Vec<Taken>,
    /// Peak resident memory of the run, KiB.
    pub peak_rss_kib: u64,
}

const MS: u64 = 1_000_000;

/// Measures everything.
///
/// # Errors
/// [`BenchError`]: the figures so far are lost.
pub fn run(config: &AnalysisBench) -> Result<Report, BenchError> {
    let dir = config.dir.join("analysis");
    let world = World::new(WorldConfig {
        scale_ppm: config.scale_ppm,
        seed: 1,
        validators: 1,
    });
    let done = load(&world, &dir, |_| {})?;
    let store = Store::open(&dir)?;
    store.compact()?;
    let start = Instant::now();
    let book = Book::load(&store.view()).map_err(refused)?;
    let world_load_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let world_postings = book.postings().count() as u64;
    drop(book);
    let mut taken = of_items(&store, config.asked)?;
    taken.push(of_the_world(&store, config.asked)?);
    let world_items = store.view().item_count();
    drop(store);
    std::fs::remove_dir_all(&dir)?;
    let (book, ends) = single_chips(config.chips);
    taken.extend(of_the_book(&book, ends, config.asked));
    Ok(Report {
        world_items,
        world_item_events: done.item_events,
        world_postings,
        world_load_ms,
        postings: book.postings().count() as u64,
        accounts: book.accounts().len() as u64,
        book_bytes: book.bytes() as u64,
        taken,
        peak_rss_kib: peak_rss_kib(),
    })
}

fn refused(error: impl std::fmt::Display) -> BenchError {
    BenchError::Refused(error.to_string())
}

/// Times what `ask` does, after a tenth as many times unmeasured.
fn timed(what: &'static str, target_ns: u64, times: usize, mut ask: impl FnMut()) -> Taken {
    let times = times.max(10);
    (0..times / 10).for_each(|_| ask());
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            ask();
            start.elapsed()
        })
        .collect();
    taken.sort_unstable();
    let nanos = |place: usize| u64::try_from(taken[place].as_nanos()).unwrap_or(u64::MAX);
    Taken {
        what,
        p50_ns: nanos(times / 2),
        p99_ns: nanos(times * 99 / 100),
        target_ns,
        target_is_p99: false,
    }
}

/// Where items are and were, and their journeys, of the loaded world.
fn of_items(store: &Store, asked: usize) -> Result<Vec<Taken>, BenchError> {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let view = store.view();
    let mut ids = Vec::new();
    for _ in 0..1_000 {
        let number = ItemNumber(rng.random_range(0..view.item_count()));
        ids.push(view.leaf(number).map_err(refused)?.id);
    }
    let last = view.head()?.header.time;
    let first = store.genesis().time;
    let mut next = ids.iter().cycle();
    let mut failed = None;
    let mut ask = |as_of: AsOf, history: bool| {
        let id = next.next().expect("ids in a circle");
        let told = if history {
            chipledger_ledger::answers::history(store, id, as_of).map(|_| ())
        } else {
            chipledger_ledger::answers::whereabouts(store, id, as_of).map(|_| ())
        };
        match told {
            // Not every item was there at every time.
            Err(chipledger_ledger::read::QueryError::ItemUnknown { .. }) | Ok(()) => {}
            Err(error) => failed = Some(error.to_string()),
        }
    };
    let p99 = |taken: Taken| Taken {
        target_is_p99: true,
        ..taken
    };
    let times = asked * 20;
    let taken = vec![
        p99(timed("where is an item, now", MS / 20, times, || {
            ask(AsOf::default(), false);
        })),
        p99(timed("where was an item at T", MS / 20, times, || {
            let at = Some(Time(rng.random_range(first.0..last.0)));
            ask(AsOf { at, known_at: None }, false);
        })),
        p99(timed(
            "the whole history of an item",
            MS * 15 / 100,
            times,
            || {
                ask(AsOf::default(), true);
            },
        )),
    ];
    failed.map_or(Ok(taken), |failed| Err(BenchError::Refused(failed)))
}

/// The world's compute through the whole question, with its envelope.
fn of_the_world(store: &Store, asked: usize) -> Result<Taken, BenchError> {
    let shelf = Shelf::new(store.clone());
    shelf.ask(|_, _| Ok(())).map_err(refused)?;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (first, last) = (store.genesis().time, store.head().header);
    let mut failed = None;
    let taken = timed(
        "the world: compute at T as known at K",
        5 * MS,
        asked,
        || {
            let at = Time(rng.random_range(first.0..last.time.0));
            let known = Height(rng.random_range(0..=last.height.0));
            let question = question(AsOf {
                at: Some(at),
                known_at: Some(Known::Height(known)),
            });
            failed = shelf.compute(&question).err().or(failed.take());
        },
    );
    failed.map_or(Ok(taken), |error| Err(refused(error)))
}

fn question(as_of: AsOf) -> Question {
    Question {
        rows: Rows {
            by: By::Jurisdiction,
            cross: None,
        },
        as_of,
        filters: Vec::new(),
        metric: Metric::Tpp,
    }
}

/// Pooled questions on the book of single-chip postings.
fn of_the_book(book: &Book, ends: (Time, Time), asked: usize) -> Vec<Taken> {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let now = moment(book, None, book.height());
    let by = question(AsOf::default());
    let names = book.names();
    let concentrated = concentration::Question {
        by: By::Jurisdiction,
        metric: Metric::Tpp,
        as_of: AsOf::default(),
        filters: Vec::new(),
    };
    let mut taken = vec![
        timed("compute per jurisdiction, now", MS / 10, asked, || {
            std::hint::black_box(pooled(names, book.now(), &by, now, Basis::Committed));
        }),
        timed("HHI with bounds, now", MS / 5, asked, || {
            let basis = Basis::Committed;
            std::hint::black_box(concentration(names, book.now(), &concentrated, now, basis));
        }),
    ];
    let mut at = |what, known: bool| {
        timed(what, 5 * MS, asked, || {
            let at = Time(rng.random_range(ends.0.0..ends.1.0));
            let last = book.height().0;
            let height = if known {
                rng.random_range(1..=last)
            } else {
                last
            };
            let moment = moment(book, Some(at), Height(height));
            let standing = book.standing(moment);
            std::hint::black_box(pooled(names, standing, &by, moment, Basis::Derived));
        })
    };
    taken.push(at("compute per jurisdiction, at T", false));
    taken.push(at("compute per jurisdiction, at T as known at K", true));
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    taken.push(timed("flows of a quarter, 30 x 30", 10 * MS, asked, || {
        let since = Time(rng.random_range(ends.0.0..ends.1.0 - 91 * DAY_MS));
        let until = since.plus_ms(91 * DAY_MS);
        let question = flows::Question {
            by: By::Jurisdiction,
            since,
            until: Some(until),
            known_at: None,
            filters: Vec::new(),
        };
        let period = flows::Period {
            opening: moment(book, Some(since), book.height()),
            closing: moment(book, Some(until), book.height()),
        };
        std::hint::black_box(flows::flows(book, &question, period));
    }));
    taken
}

fn moment(book: &Book, at: Option<Time>, known: Height) -> Moment {
    Moment {
        at,
        known,
        known_time: book.block_time(),
    }
}

const SITES: u32 = 300;
const MODELS: u16 = 12;
const YEARS: u64 = 6;
/// Postings of a block.
const BLOCK: usize = 500;

/// A book of ten postings for each of so many chips, and its first and last event time.
fn single_chips(chips: u64) -> (Book, (Time, Time)) {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let first: Time = "2020-01-01".parse().expect("a time");
    let span = YEARS * 365 * DAY_MS;
    let accounts = accounts();
    let mut told = Vec::new();
    for _ in 0..chips {
        let model = ModelNumber(rng.random_range(0..MODELS));
        let mut at = first.0 + rng.random_range(0..span);
        let mut site = rng.random_range(0..SITES);
        let (mut from, mut reported) = (0, 0);
        for step in 0..10 {
            // Registered, shipped, received, installed; removed, shipped, received, ...
            let to = match step % 4 {
                0 | 2 => 1 + site,
                1 => 1 + SITES + site,
                _ => 1 + 2 * SITES + site,
            };
            // What happened to a chip is told in order.
            reported = reported.max(at + late(&mut rng));
            told.push((reported, at, model, from, to));
            from = to;
            at = (at + rng.random_range(0..60 * DAY_MS)).min(first.0 + span);
            if step % 4 == 3 {
                site = rng.random_range(0..SITES);
            }
        }
    }
    told.sort_unstable();
    let rows = (0..).zip(told).map(|(line, (_, at, model, from, to))| {
        let spot = Spot {
            height: Height(1 + (line / BLOCK) as u64),
            transaction: u32::try_from(line % BLOCK).unwrap_or(0),
            record: 0,
        };
        let row = PostingRow {
            occurred_at: Time(at),
            model,
            count: 1,
            disputed: 0,
            from,
            to,
        };
        (spot, row)
    });
    let book = Book::made_of(accounts, models(), rows);
    (book, (first, Time(first.0 + span)))
}

/// How late an event is reported: hours as a rule, weeks for one in twenty.
fn late(rng: &mut impl Rng) -> u64 {
    match rng.random_range(0..20) {
        0 => rng.random_range(0..30 * DAY_MS),
        _ => rng.random_range(0..12 * HOUR_MS),
    }
}

fn models() -> Vec<(String, chipledger_schemas::catalogue::ModelVersion)> {
    let known = chipledger_schemas::catalogue::Catalogue::builtin()
        .models
        .iter();
    let latest = known.map(|(id, version)| (id.to_string(), version.clone()));
    latest.take(usize::from(MODELS)).collect()
}

/// In stock, under way from, and installed at each of the sites; each is its operator's own.
fn accounts() -> Vec<Account> {
    let jurisdictions: Vec<Jurisdiction> = JURISDICTIONS
        .split(' ')
        .map(|code| code.parse().expect("a jurisdiction"))
        .collect();
    let of = |site: u32| jurisdictions[site as usize % jurisdictions.len()];
    let name = |site: u32| format!("SITE-{site}").parse().expect("a site");
    let account = |site: u32, under_way: bool, status| {
        let operator = format!("OP-{}", site % 60);
        let operator: chipledger_schemas::ids::MemberId = operator.parse().expect("a member");
        let to = (site + 7) % SITES;
        let place = if under_way {
            AccountPlace::Transit {
                from: name(site),
                to: name(to),
                from_jurisdiction: of(site),
                to_jurisdiction: of(to),
            }
        } else {
            AccountPlace::Site {
                site: name(site),
                jurisdiction: of(site),
            }
        };
        Account {
            place,
            holder: operator.clone(),
            owner: operator.clone(),
            user: operator,
            status,
        }
    };
    let stock = (0..SITES).map(|site| account(site, false, Status::Stock));
    let shipped = (0..SITES).map(|site| account(site, true, Status::InTransit));
    let installed = (0..SITES).map(|site| account(site, false, Status::Installed));
    stock.chain(shipped).chain(installed).collect()
}

/// Thirty of them.
const JURISDICTIONS: &str = "US CN TW KR JP SG MY VN IN AE SA DE FR NL GB IE SE NO FI DK ES IT PL \
                             CH CA MX BR AU ID TH";
