//! A network under a steady load for a long time: what becomes of its memory and its disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chipledger_schemas::encode::encode;
use chipledger_schemas::genesis::Clock;
use serde::Serialize;

use super::BenchError;
use super::network::{TEMPO, disk_bytes};
use crate::chaos::workload::Author;
use crate::client::Client;
use crate::local::{Local, LocalError, LocalNode, Plan, Ports};
use crate::world::Cast;

/// Validators; an observer comes on top.
const VALIDATORS: usize = 4;
/// Threads that submit.
const SUBMITTERS: u64 = 8;
/// How long nodes may take to start.
const START: Duration = Duration::from_mins(1);

/// Which load.
#[derive(Clone, Debug)]
pub struct Soak {
    /// How long.
    pub lasts: Duration,
    /// Transactions per second, all nodes together: half register a chip, half are notes.
    pub per_second: u64,
    /// How often a sample is taken.
    pub every: Duration,
    /// Where the network is made; removed afterwards.
    pub dir: PathBuf,
}

/// The network at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sample {
    /// Seconds since the beginning.
    pub seconds: u64,
    /// Height of the first node.
    pub height: u64,
    /// Items on the ledger.
    pub items: u64,
    /// Transactions that were taken in so far.
    pub submitted: u64,
    /// Resident memory of each node, KiB; the observer last.
    pub rss_kib: Vec<u64>,
    /// Bytes on disk of the first node.
    pub disk_bytes: u64,
}

/// Loads a network and tells a sample now and then.
///
/// # Errors
/// When the network does not start.
pub fn run(config: &Soak, mut tell: impl FnMut(&Sample)) -> Result<(), BenchError> {
    std::fs::create_dir_all(&config.dir)?;
    let cast = Cast::new(1, VALIDATORS, Clock::Wall);
    let plan = Plan::new(&cast, Ports::Free, TEMPO, "a soak".to_owned());
    let plan = plan.map_err(LocalError::from)?;
    let mut local = Local::open(&config.dir.join("network"), &cast, &plan)?;
    local.start()?;
    local.wait_ready(START)?;
    let clients: Vec<_> = local.nodes.iter().map(LocalNode::client).collect();
    let author = Author::new(&cast);
    let (stop, submitted) = (AtomicBool::new(false), AtomicU64::new(0));
    let pause = Duration::from_micros(1_000_000 * SUBMITTERS / config.per_second.max(1));
    std::thread::scope(|scope| {
        for first in 0..VALIDATORS * 2 {
            let (clients, author, stop, submitted) = (&clients, &author, &stop, &submitted);
            scope.spawn(move || submit(clients, first, author, pause, stop, submitted));
        }
        let start = Instant::now();
        while start.elapsed() < config.lasts {
            std::thread::sleep(config.every);
            tell(&sample(&local, &clients, start, &submitted));
        }
        stop.store(true, Ordering::Relaxed);
    });
    local.stop(Duration::from_secs(10));
    drop(local);
    Ok(std::fs::remove_dir_all(&config.dir)?)
}

fn submit(
    clients: &[Client],
    first: usize,
    author: &Author,
    pause: Duration,
    stop: &AtomicBool,
    submitted: &AtomicU64,
) {
    let mut at = first;
    let start = Instant::now();
    let mut due = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let bytes = encode(&author.next());
        if clients[at % VALIDATORS]
            .submit(&bytes, Duration::ZERO)
            .is_ok()
        {
            submitted.fetch_add(1, Ordering::Relaxed);
        }
        at += 1;
        due += pause;
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
}

fn sample(local: &Local, clients: &[Client], start: Instant, submitted: &AtomicU64) -> Sample {
    let status = clients[0].status().ok();
    let ids = local.nodes.iter().filter_map(|node| node.process.id());
    Sample {
        seconds: start.elapsed().as_secs(),
        height: status.as_ref().map_or(0, |status| status.ledger.height.0),
        items: status.map_or(0, |status| status.ledger.size.items),
        submitted: submitted.load(Ordering::Relaxed),
        rss_kib: ids.map(rss_kib).collect(),
        disk_bytes: disk_bytes(&local.nodes[0].dir.join("data")),
    }
}

/// Resident memory of a process, KiB.
fn rss_kib(process: u32) -> u64 {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
