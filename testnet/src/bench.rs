//! Benchmarks of the whole write path, printed beside the limits of the same machine in the same
//! run.
//!
//! A figure alone says little on a shared machine; its ratio to what signature checks, hashing,
//! syncing and raw writes reach at the same moment says more.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chipledger_ledger::solo::{Certifier, Solo};
use chipledger_ledger::store::{Store, StoreError};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::ids::{ItemId, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::keys::{SecretKey, verify_strict};
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Install, Record, Register, Remove};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use crate::load::{LoadError, load};
use crate::world::{World, WorldConfig};

pub mod analysis;
pub mod network;
pub mod soak;
pub mod stages;

use stages::Stage;

/// What to measure.
#[derive(Clone, Debug)]
pub struct BenchConfig {
    /// Scale of the world, parts per million.
    pub scale_ppm: u64,
    /// Chips that random records are drawn from.
    pub chips: u64,
    /// Transactions of one chip each.
    pub single: u64,
    /// Threads that submit them.
    pub submitters: u64,
    /// Where ledgers are made; removed afterwards.
    pub dir: PathBuf,
}

/// A rate with what it was measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    /// What was done.
    pub what: &'static str,
    /// How often.
    pub count: u64,
    /// Milliseconds of wall time.
    pub elapsed_ms: u64,
    /// Per second.
    pub per_second: u64,
}

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Limits of the machine, one core unless said otherwise.
    pub limits: Vec<Rate>,
    /// The ledger's figures.
    pub figures: Vec<Rate>,
    /// What one transaction of one chip costs a core.
    pub stages: Vec<Stage>,
    /// Bytes on disk of the loaded world after compaction.
    pub world_disk_bytes: u64,
    /// Its item-events.
    pub world_item_events: u64,
    /// Bytes of memory of the commitment's inner nodes for the world.
    pub commitment_bytes: u64,
    /// Items of the world.
    pub world_items: u64,
    /// Peak resident memory of the whole run, KiB.
    pub peak_rss_kib: u64,
}

/// Why a benchmark stopped.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The world was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system refuses.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The ledger refused a transaction of the benchmark: a bug of the benchmark.
    #[error("refused: {0}")]
    Refused(String),
}

fn rate(what: &'static str, count: u64, elapsed: Duration) -> Rate {
    let elapsed_ms = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    Rate {
        what,
        count,
        elapsed_ms,
        per_second: count * 1_000 / elapsed_ms,
    }
}

/// Runs everything.
///
/// # Errors
/// [`BenchError`]: the figures so far are lost.
pub fn run(config: &BenchConfig) -> Result<Report, BenchError> {
    std::fs::create_dir_all(&config.dir)?;
    let limits = vec![
        signatures(),
        hashing(),
        syncs(&config.dir)?,
        raw_writes(&config.dir)?,
    ];
    let mut figures = Vec::new();
    let dir = config.dir.join("world");
    let world = World::new(WorldConfig {
        scale_ppm: config.scale_ppm,
        seed: 1,
        validators: 1,
    });
    let start = Instant::now();
    let done = load(&world, &dir, |_| {})?;
    figures.push(rate(
        "world: item-events through the whole path",
        done.item_events,
        start.elapsed(),
    ));
    let store = Store::open(&dir)?;
    store.compact()?;
    let world_disk_bytes = store.disk_bytes()?.iter().map(|(_, bytes)| bytes).sum();
    let commitment_bytes = store.commitment_bytes() as u64;
    let world_items = chipledger_ledger::state::State::item_count(&store.view());
    drop(store);
    figures.push(random_records(config)?);
    figures.push(single_chips(config)?);
    let stages = stages::stages(&config.dir.join("stages"), config.single.min(20_000))?;
    for name in ["world", "random", "single", "stages"] {
        std::fs::remove_dir_all(config.dir.join(name))?;
    }
    Ok(Report {
        limits,
        figures,
        stages,
        world_disk_bytes,
        world_item_events: done.item_events,
        commitment_bytes,
        world_items,
        peak_rss_kib: peak_rss_kib(),
    })
}

fn signatures() -> Rate {
    let key = SecretKey::from_seed(&[1; 32]);
    let signature = key.sign(&[2; 32]);
    let public = key.public();
    let start = Instant::now();
    let count = 20_000;
    let good = (0..count)
        .filter(|_| verify_strict(&public, &[2; 32], &signature))
        .count() as u64;
    rate(
        "limit: Ed25519 strict checks, one core",
        good,
        start.elapsed(),
    )
}

fn hashing() -> Rate {
    let bytes = vec![7_u8; 1 << 20];
    let start = Instant::now();
    let count = 2_000;
    for _ in 0..count {
        std::hint::black_box(chipledger_schemas::hash::FILE.hash(&bytes));
    }
    rate(
        "limit: BLAKE3 of 1 MiB, MiB, one core",
        count,
        start.elapsed(),
    )
}

fn syncs(dir: &Path) -> Result<Rate, BenchError> {
    use std::io::Write;
    let path = dir.join("sync.bin");
    let mut file = std::fs::File::create(&path)?;
    let start = Instant::now();
    let count = 1_000;
    for _ in 0..count {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    let measured = rate("limit: append 4 KiB and sync", count, start.elapsed());
    std::fs::remove_file(path)?;
    Ok(measured)
}

/// Rows of the size of an item's row, in order, in batches that are synced: as the store writes.
fn raw_writes(dir: &Path) -> Result<Rate, BenchError> {
    let path = dir.join("raw");
    let count = 1_000_000;
    let start = Instant::now();
    chipledger_ledger::store::raw_writes(&path, count, 2_000, 100)?;
    let measured = rate(
        "limit: raw RocksDB rows of 100 B, synced per 2,000",
        count,
        start.elapsed(),
    );
    std::fs::remove_dir_all(path)?;
    Ok(measured)
}

/// A ledger with chips of the world's first fab.
struct Ground {
    certifier: Certifier,
    fab: MemberId,
    key: SecretKey,
    validator: SecretKey,
    genesis: chipledger_schemas::genesis::Genesis,
    site: chipledger_schemas::ids::SiteId,
    time: Time,
    serial: u64,
}

impl Ground {
    fn new(dir: &Path) -> Result<Self, BenchError> {
        let world = World::new(WorldConfig {
            scale_ppm: 1,
            seed: 1,
            validators: 1,
        });
        let genesis = world.genesis();
        let refused = |what: &str| BenchError::Refused(what.to_owned());
        let site = genesis
            .sites
            .first()
            .ok_or_else(|| refused("no site in genesis"))?;
        let (fab, site) = (site.operator.clone(), site.site.clone());
        let store = Store::create(dir, &genesis)?;
        let certifier =
            Certifier::new(store, world.validator_key()).map_err(|e| refused(&e.to_string()))?;
        let time = genesis.time.plus_ms(DAY_MS);
        Ok(Self {
            certifier,
            key: world.key(&fab),
            validator: world.validator_key(),
            fab,
            genesis,
            site,
            time,
            serial: 0,
        })
    }

    fn transaction(&mut self, records: Vec<Record>) -> Transaction {
        self.serial += 1;
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis: self.genesis.hash(),
            member: self.fab.clone(),
            key: self.key.public(),
            signed_at: Time(self.time.0 + self.serial / 1_000),
            valid_from: self.time.minus_ms(HOUR_MS),
            // Distinct ends keep transactions apart whose records are the same.
            valid_until: Time(self.time.0 + DAY_MS + self.serial),
            records,
        };
        body.sign(&self.key)
    }

    fn register(&self, items: ItemSet) -> Record {
        Record::Register(Register {
            items,
            model: MODEL.parse().expect("a model of the catalogue"),
            site: self.site.clone(),
            origin: Origin::Made,
            lot: None,
            device_keys: Vec::new(),
            occurred_at: self.time,
        })
    }

    fn chip(&self, number: u64) -> ItemId {
        format!("{}:{number:013}", self.fab)
            .parse()
            .expect("an id under the fab's prefix")
    }

    fn commit(&self, batch: Vec<VerifiedTransaction>) -> Result<(), BenchError> {
        let committed = self.certifier.commit(batch)?;
        match committed.rejected.first() {
            Some((_, rejection)) => Err(BenchError::Refused(rejection.to_string())),
            None if !committed.deferred.is_empty() => Err(BenchError::Refused("too large".into())),
            None => Ok(()),
        }
    }

    fn verify(&self, transaction: Transaction) -> Result<VerifiedTransaction, BenchError> {
        let verified =
            VerifiedTransaction::verify(transaction, &self.genesis.hash(), &self.genesis.bounds);
        verified.map_err(|rejection| BenchError::Refused(rejection.to_string()))
    }

    fn stock(&mut self, chips: u64) -> Result<(), BenchError> {
        for first in (0..chips).step_by(10_000) {
            let count = (chips - first).min(10_000);
            let set = ItemSet::consecutive(&self.chip(first), count);
            let set = set.map_err(|error| BenchError::Refused(error.to_string()))?;
            let record = self.register(set);
            let transaction = self.transaction(vec![record]);
            self.commit(vec![self.verify(transaction)?])?;
        }
        Ok(())
    }
}

const MODEL: &str = "NVIDIA/H100-SXM5-80GB";

/// Records that name 1,000 chips each, drawn at random from all: installed, then removed again.
fn random_records(config: &BenchConfig) -> Result<Rate, BenchError> {
    let mut ground = Ground::new(&config.dir.join("random"))?;
    ground.stock(config.chips)?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut blocks = Vec::new();
    for _ in 0..5 {
        let mut records = Vec::new();
        for _ in 0..10 {
            let mut drawn = std::collections::BTreeSet::new();
            while drawn.len() < 1_000 {
                drawn.insert(ground.chip(rng.random_range(0..config.chips)));
            }
            let items = ItemSet::of(&drawn).map_err(|e| BenchError::Refused(e.to_string()))?;
            let occurred_at = ground.time;
            let position = None;
            records.push(Record::Install(Install {
                items: items.clone(),
                position,
                occurred_at,
            }));
            records.push(Record::Remove(Remove { items, occurred_at }));
        }
        blocks.push(records);
    }
    let mut item_events = 0;
    let mut elapsed = Duration::ZERO;
    for records in blocks {
        let signed: Vec<Transaction> = records
            .into_iter()
            .map(|record| ground.transaction(vec![record]))
            .collect();
        let start = Instant::now();
        let mut batch = Vec::new();
        for transaction in signed {
            item_events += transaction.item_events();
            batch.push(ground.verify(transaction)?);
        }
        ground.commit(batch)?;
        elapsed += start.elapsed();
    }
    Ok(rate(
        "random: item-events, 1,000 chips drawn per record",
        item_events,
        elapsed,
    ))
}

/// One chip per transaction, from many submitters at once: blocks hold whatever waits (group
/// commit).
fn single_chips(config: &BenchConfig) -> Result<Rate, BenchError> {
    let mut ground = Ground::new(&config.dir.join("single"))?;
    ground.stock(config.single)?;
    let mut shares: Vec<Vec<Transaction>> =
        vec![Vec::new(); usize::try_from(config.submitters).unwrap_or(1)];
    let count = shares.len();
    for number in 0..config.single {
        let items =
            ItemSet::of([&ground.chip(number)]).map_err(|e| BenchError::Refused(e.to_string()))?;
        let occurred_at = ground.time;
        let record = Record::Install(Install {
            items,
            position: None,
            occurred_at,
        });
        let transaction = ground.transaction(vec![record]);
        shares[usize::try_from(number).unwrap_or(0) % count].push(transaction);
    }
    let solo = Solo::of(ground.certifier);
    let start = Instant::now();
    let refused = std::thread::scope(|scope| {
        let submit = |share: Vec<Transaction>| {
            let solo = &solo;
            scope.spawn(move || -> Result<(), String> {
                let mut waiting = Vec::with_capacity(share.len());
                for transaction in share {
                    waiting.push(solo.enqueue(transaction).map_err(|e| e.to_string())?);
                }
                for fate in waiting {
                    fate.recv()
                        .map_err(|e| e.to_string())?
                        .map_err(|e| e.to_string())?;
                }
                Ok(())
            })
        };
        let threads: Vec<_> = shares.into_iter().map(submit).collect();
        let mut joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.find_map(|done| {
            done.unwrap_or_else(|_| Err("a submitter panicked".into()))
                .err()
        })
    });
    match refused {
        Some(refused) => Err(BenchError::Refused(refused)),
        None => Ok(rate(
            "single: transactions of one chip, group commit",
            config.single,
            start.elapsed(),
        )),
    }
}

/// Peak resident memory of this process, KiB; 0 where the system does not say.
fn peak_rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
