//! What a network of four validators on this machine reaches, through the whole path by HTTP:
//! signature check, mempool, gossip, consensus, execution on every node, synced commit.
//!
//! All nodes and all clients share the machine's cores. The limits of the same run stand beside the
//! figures: each transaction is checked once by every node that hears of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chipledger_schemas::api::Fate;
use chipledger_schemas::encode::encode;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::Height;
use serde::Serialize;

use super::{BenchError, Rate, hashing, rate, signatures, syncs};
use crate::chaos::workload::{Author, now};
use crate::client::Client;
use crate::load;
use crate::local::plan::Tempo;
use crate::local::{Local, LocalError, LocalNode, Plan, Ports};
use crate::world::{Cast, World, WorldConfig};

/// Validators of the network that is measured.
const VALIDATORS: usize = 4;
/// Requests at once while a rate is measured.
const REQUESTS: usize = 48;
/// Chips of one transaction of the batched figure.
const BATCH: u64 = 500;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long the network is left alone to see what that costs.
const IDLE: Duration = Duration::from_secs(30);
/// As a node is configured when nobody says otherwise.
pub(super) const TEMPO: Tempo = Tempo {
    block_interval_ms: 200,
    heartbeat_ms: 15_000,
};
/// Clock ticks per second of the kernel's process accounting.
const TICKS: u64 = 100;

/// What to measure.
#[derive(Clone, Debug)]
pub struct NetworkBench {
    /// Transactions of one chip each.
    pub single: u64,
    /// Transactions of `BATCH` chips each.
    pub batched: u64,
    /// The world that nodes are restarted with: every cluster at so many millionths.
    pub world_ppm: u64,
    /// Where the network is made; removed afterwards.
    pub dir: PathBuf,
}

/// How long transactions took from submission to final, at a steady rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Latency {
    /// Transactions per second offered.
    pub per_second: u64,
    /// Transactions that were measured.
    pub samples: usize,
    /// Half were final within, milliseconds.
    pub p50_ms: u64,
    /// 99 of 100 were.
    pub p99_ms: u64,
}

/// What a network costs that has nothing to do, per node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Idle {
    /// Thousandths of a percent of a core.
    pub core_permille_percent: u64,
    /// Bytes on disk per day.
    pub bytes_per_day: u64,
}

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkReport {
    /// Limits of the machine.
    pub limits: Vec<Rate>,
    /// Most transactions per second if nothing but each node's one signature check cost anything.
    pub limit_transactions_per_second: u64,
    /// The network's figures.
    pub figures: Vec<Rate>,
    /// At 80 % of the single rate.
    pub latency: Latency,
    /// With nothing to do.
    pub idle: Idle,
    /// From a killed node's start until it takes transactions, milliseconds.
    pub restart_ms: u64,
    /// The same with the world on every node.
    pub world_restart_ms: u64,
    /// Items of that world.
    pub world_items: u64,
    /// With two of four down: from the first's start until a new transaction is final,
    /// milliseconds.
    pub quorum_returns_ms: u64,
    /// From the second's start until it takes transactions, milliseconds.
    pub second_returns_ms: u64,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<LocalError> for BenchError {
    fn from(error: LocalError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Runs everything.
///
/// # Errors
/// [`BenchError`]: the figures so far are lost.
pub fn run(config: &NetworkBench) -> Result<NetworkReport, BenchError> {
    std::fs::create_dir_all(&config.dir)?;
    let limits = vec![signatures(), hashing(), syncs(&config.dir)?];
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let limit = limits[0].per_second * cores / VALIDATORS as u64;
    let mut ground = Ground::new(&config.dir.join("network"))?;
    let single = ground.load("network: single-chip transactions", config.single, 1)?;
    let single_again = ground.sync("observer: the same executed again, from genesis")?;
    let batched = ground.load(
        "network: item-events, 500 per transaction",
        config.batched,
        BATCH,
    )?;
    let batched_again = ground.sync("observer: the same executed again")?;
    let latency = ground.latency(single.per_second * 8 / 10)?;
    let restart_ms = ground.restart()?;
    let (quorum_returns_ms, second_returns_ms) = ground.half_down()?;
    let idle = ground.idle()?;
    ground.local.stop(Duration::from_secs(10));
    drop(ground);
    let (world_items, world_restart_ms) = restart_with_world(config)?;
    std::fs::remove_dir_all(&config.dir)?;
    Ok(NetworkReport {
        limits,
        limit_transactions_per_second: limit,
        figures: vec![single, single_again, batched, batched_again],
        latency,
        idle,
        restart_ms,
        world_restart_ms,
        world_items,
        quorum_returns_ms,
        second_returns_ms,
    })
}

/// A world on every node: how many items, and how long a killed node takes until it is back.
fn restart_with_world(config: &NetworkBench) -> Result<(u64, u64), BenchError> {
    let world = World::new(WorldConfig {
        scale_ppm: config.world_ppm,
        seed: 1,
        validators: VALIDATORS,
    });
    let made = config.dir.join("world");
    let loaded = load::load(&world, &made, |_| {});
    loaded.map_err(|error| BenchError::Refused(error.to_string()))?;
    let dir = config.dir.join("world-network");
    let plan = Plan::new(world.cast(), Ports::Free, TEMPO, "a benchmark".to_owned());
    let plan = plan.map_err(LocalError::from)?;
    let mut local = Local::open(&dir, world.cast(), &plan)?;
    for node in &local.nodes {
        let data = node.dir.join("data");
        std::fs::create_dir_all(&data)?;
        copy(&made, &data.join("ledger"))?;
    }
    local.start()?;
    local.wait_ready(PATIENCE)?;
    let items = local.nodes[0]
        .client()
        .status()
        .map_or(0, |status| status.ledger.size.items);
    local.nodes[1].process.kill().map_err(LocalError::from)?;
    let start = Instant::now();
    local.nodes[1].process.start().map_err(LocalError::from)?;
    let client = local.nodes[1].client();
    until("node1 is back with the world", || {
        client.ready().is_ok_and(|health| health.ok)
    })?;
    let took = ms(start.elapsed());
    local.stop(Duration::from_secs(10));
    Ok((items, took))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

struct Ground {
    local: Local,
    clients: Vec<Client>,
    author: Author,
    /// Chips signed for so far.
    chips: u64,
    /// Items that the observer has.
    synced: u64,
}

impl Ground {
    fn new(dir: &Path) -> Result<Self, BenchError> {
        let cast = Cast::new(1, VALIDATORS, Clock::Wall);
        let plan = Plan::new(&cast, Ports::Free, TEMPO, "a benchmark".to_owned());
        let plan = plan.map_err(LocalError::from)?;
        let mut local = Local::open(dir, &cast, &plan)?;
        local.start()?;
        local.wait_ready(PATIENCE)?;
        // The observer is measured alone, by its sync.
        local.nodes[VALIDATORS]
            .process
            .kill()
            .map_err(LocalError::from)?;
        let clients = local.nodes.iter().map(LocalNode::client).collect();
        let author = Author::new(&cast);
        Ok(Self {
            local,
            clients,
            author,
            chips: 0,
            synced: 0,
        })
    }

    /// Signed registrations of so many chips each.
    fn signed(&mut self, count: u64, chips: u64) -> Vec<Vec<u8>> {
        let mut made = Vec::new();
        for _ in 0..count {
            let time = now();
            let record = self
                .author
                .register(1_000_000_000 + self.chips, chips, time);
            self.chips += chips;
            made.push(encode(&self.author.sign(vec![record], time)));
        }
        made
    }

    fn items(&self, node: usize) -> u64 {
        self.clients[node]
            .status()
            .map_or(0, |status| status.ledger.size.items)
    }

    /// Submits everything as fast as it is taken; over when every validator has it all.
    fn load(&mut self, what: &'static str, count: u64, chips: u64) -> Result<Rate, BenchError> {
        let before = self.items(0);
        let made = self.signed(count, chips);
        let start = Instant::now();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..REQUESTS {
                scope.spawn(|| {
                    let clients = &self.clients[..VALIDATORS];
                    let own: Vec<_> = clients.iter().map(Client::apart).collect();
                    submit_all(&own, &made, &next, start);
                });
            }
        });
        let target = before + count * chips;
        for node in 0..VALIDATORS {
            until(&format!("node{node} has everything"), || {
                self.items(node) >= target
            })?;
        }
        Ok(rate(what, count * chips, start.elapsed()))
    }

    /// Offers a steady rate, every tenth transaction with somebody who waits for it.
    fn latency(&mut self, per_second: u64) -> Result<Latency, BenchError> {
        let per_second = per_second.max(1);
        let made = self.signed(per_second * 10, 1);
        let took = Mutex::new(Vec::new());
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        std::thread::scope(|scope| {
            // Enough that those who wait hold nobody up.
            for _ in 0..REQUESTS * 8 {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(bytes) = made.get(index) else { return };
                        let due = Duration::from_micros(index as u64 * 1_000_000 / per_second);
                        std::thread::sleep(due.saturating_sub(start.elapsed()));
                        let client = &self.clients[index % VALIDATORS];
                        let waits = index.is_multiple_of(10);
                        let sent = Instant::now();
                        let wait = Duration::from_secs(if waits { 30 } else { 0 });
                        let answer = client.submit(bytes, wait);
                        let fate = answer.map(|answer| answer.fate);
                        if waits && matches!(fate, Ok(Fate::Final { .. })) {
                            took.lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push(ms(sent.elapsed()));
                        }
                    }
                });
            }
        });
        let mut took = took.into_inner().unwrap_or_else(PoisonError::into_inner);
        took.sort_unstable();
        let at = |percent: usize| {
            took.get(took.len() * percent / 100)
                .copied()
                .unwrap_or(u64::MAX)
        };
        Ok(Latency {
            per_second,
            samples: took.len(),
            p50_ms: at(50),
            p99_ms: at(99),
        })
    }

    fn start(&mut self, node: usize) -> Result<(), BenchError> {
        Ok(self.local.nodes[node]
            .process
            .start()
            .map_err(LocalError::from)?)
    }

    fn kill(&mut self, node: usize) -> Result<(), BenchError> {
        Ok(self.local.nodes[node]
            .process
            .kill()
            .map_err(LocalError::from)?)
    }

    fn is_ready(&self, node: usize) -> bool {
        self.clients[node].ready().is_ok_and(|health| health.ok)
    }

    fn restart(&mut self) -> Result<u64, BenchError> {
        self.kill(1)?;
        let start = Instant::now();
        self.start(1)?;
        until("node1 is back", || self.is_ready(1))?;
        Ok(ms(start.elapsed()))
    }

    fn half_down(&mut self) -> Result<(u64, u64), BenchError> {
        self.kill(2)?;
        self.kill(3)?;
        until("node0 says that there is no quorum", || !self.is_ready(0))?;
        let start = Instant::now();
        self.start(2)?;
        let bytes = self.signed(1, 1).remove(0);
        until("a transaction is final with three of four", || {
            let answer = self.clients[0].submit(&bytes, Duration::from_secs(1));
            answer.is_ok_and(|answer| matches!(answer.fate, Fate::Final { .. }))
        })?;
        let first = ms(start.elapsed());
        let start = Instant::now();
        self.start(3)?;
        until("the fourth is back", || self.is_ready(3))?;
        Ok((first, ms(start.elapsed())))
    }

    fn height(&self, node: usize) -> Height {
        self.clients[node]
            .status()
            .map_or(Height(0), |status| status.ledger.height)
    }

    /// The observer catches up, by executing again what it lacks; then it goes, so that it is not
    /// in the way of the next figure.
    fn sync(&mut self, what: &'static str) -> Result<Rate, BenchError> {
        let (before, target) = (self.synced, self.height(0));
        let start = Instant::now();
        self.start(VALIDATORS)?;
        until("the observer has caught up", || {
            self.height(VALIDATORS) >= target
        })?;
        let took = start.elapsed();
        self.synced = self.items(VALIDATORS);
        self.kill(VALIDATORS)?;
        Ok(rate(what, self.synced - before, took))
    }

    fn idle(&mut self) -> Result<Idle, BenchError> {
        let ids: Vec<_> = self.local.nodes[..VALIDATORS]
            .iter()
            .filter_map(|n| n.process.id())
            .collect();
        let dirs: Vec<_> = self.local.nodes[..VALIDATORS]
            .iter()
            .map(|n| n.dir.join("data"))
            .collect();
        let ticks = || ids.iter().map(|id| cpu_ticks(*id)).sum::<u64>();
        let bytes = || dirs.iter().map(|dir| disk_bytes(dir)).sum::<u64>();
        let (ticks_before, bytes_before) = (ticks(), bytes());
        std::thread::sleep(IDLE);
        let nodes = VALIDATORS as u64;
        let ticks = ticks().saturating_sub(ticks_before);
        let grown = bytes().saturating_sub(bytes_before);
        Ok(Idle {
            core_permille_percent: ticks * 100_000 / TICKS / IDLE.as_secs() / nodes,
            bytes_per_day: grown * (86_400 / IDLE.as_secs()) / nodes,
        })
    }
}

/// Submits until none is left; what is refused for load is sent again.
fn submit_all(nodes: &[Client], made: &[Vec<u8>], next: &AtomicUsize, start: Instant) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(bytes) = made.get(index) else { return };
        while start.elapsed() < PATIENCE {
            match nodes[index % nodes.len()].submit(bytes, Duration::ZERO) {
                Err(error) if error.may_pass() => std::thread::sleep(Duration::from_millis(100)),
                _ => break,
            }
        }
    }
}

fn until(what: &str, condition: impl Fn() -> bool) -> Result<(), BenchError> {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > PATIENCE {
            return Err(BenchError::Refused(format!("in vain: {what}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// User and system time of a process so far, in ticks.
fn cpu_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces; times are fields 14 and 15 of all.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = rest.split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Bytes of all files below a folder.
pub(super) fn disk_bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => disk_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
