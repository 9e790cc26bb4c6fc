//! Chaos: a network under faults that follow from a seed, and a verdict.
//!
//! ```text
//! schedule -> begin a fault -> wait -> heal -> demand progress -> calm -> ... -> checker
//! clients submit all the time, a watcher notes heights, a stranger harasses, a traitor lies
//! ```
//!
//! The schedule, the proxies' dice and the keys follow from the seed; what the operating system
//! makes of them does not. A run that fails is repeated with its seed until it is understood.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::Height;
use serde::Serialize;

use crate::checker::{self, Chain, Healed, Run, Violation};
use crate::client::{Client, NoAnswer};
use crate::local::{LocalError, ProcessError};
use crate::world::Cast;

use schedule::{Schedule, Window};
use stage::Stage;
use watch::Watch;
use workload::{Author, Workload};

pub mod schedule;
pub mod stage;
pub mod stranger;
pub mod watch;
pub mod workload;

/// Clients that submit.
const CLIENTS: usize = 6;
/// How long after a fault is looked for progress: longer than allowed, to say how late it came.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a node may take to catch up.
const CATCH_UP: Duration = Duration::from_mins(2);
/// The same in a run of a build that is broken on purpose.
const CATCH_UP_BROKEN: Duration = Duration::from_secs(20);
/// The same, once the run has failed.
const FAILED: Duration = Duration::from_secs(5);
/// Blocks that a node may be behind and count as caught up.
const BEHIND_MAX: u64 = 3;

/// A build that is broken on purpose, to see that it is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Broken {
    /// One validator signs without its guard, and is said to be honest.
    Guard,
    /// No node remembers what it has seen.
    Seen,
    /// One validator executes differently.
    Execution,
}

/// Which run.
#[derive(Clone, Debug)]
pub struct ChaosConfig {
    /// Everything that is chosen follows from it.
    pub seed: u64,
    /// How long faults go on.
    pub lasts: Duration,
    /// Validators, 4 to 10.
    pub validators: usize,
    /// Where the network is made; must be empty or missing.
    pub dir: PathBuf,
    /// What is broken on purpose.
    pub broken: Option<Broken>,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The network cannot be made, started or told something.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A node's process cannot be told something.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A node did not publish its chain at the end.
    #[error("a node's chain cannot be read at the end: {0}")]
    Unread(#[source] NoAnswer),
}

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Milliseconds.
    pub lasted_ms: u128,
    /// Faults by kind.
    pub faults: std::collections::BTreeMap<&'static str, u64>,
    /// The last height that was judged.
    pub height: Height,
    /// Transactions that clients made.
    pub submitted: u64,
    /// Times that a client was told that one is final.
    pub acknowledged: usize,
    /// Attacks by the stranger.
    pub attacks: u64,
    /// Milliseconds until progress after each fault, sorted.
    pub resumed_ms: Vec<u128>,
    /// What contradicts a property: nothing, if all is well.
    pub violations: Vec<String>,
}

/// Runs faults until the time is over, and judges.
///
/// # Errors
/// [`ChaosError`]: there is no verdict.
pub fn run(config: &ChaosConfig, say: impl Fn(String) + Sync) -> Result<Report, ChaosError> {
    let cast = Cast::new(config.seed, config.validators, Clock::Wall);
    let traitor = traitor(config);
    let mut stage = Stage::open(&config.dir, &cast, config.seed, traitor, config.broken)?;
    let author = Author::new(&cast);
    let nodes: Vec<_> = stage
        .honest()
        .map(|node| (node.index, node.client()))
        .collect();
    let workload = Workload::new(&author, &nodes);
    let watch = Watch::new(&nodes, stage.lives.len());
    let peers = stage.local.peer_addresses();
    let apis: Vec<_> = stage.local.nodes.iter().map(|node| node.api).collect();
    let start = Instant::now();
    let mut told = Told::default();
    let (outcome, attacks) = std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let workload = &workload;
            scope.spawn(move || workload.client(client));
        }
        scope.spawn(|| watch.run(&workload.stop));
        let harass = || stranger::harass(&peers, &apis, config.seed, &workload.stop);
        let stranger = scope.spawn(harass);
        let outcome = faults(config, &mut stage, &workload, &watch, &mut told, &say);
        workload.stop.store(true, Ordering::Relaxed);
        (outcome, stranger.join().unwrap_or(0))
    });
    outcome?;
    let nodes = running(&mut stage, &nodes);
    let height = settle(&nodes, &workload, &mut told);
    say(format!(
        "reading the chains of {} nodes up to height {height}",
        nodes.len()
    ));
    let chains = nodes
        .iter()
        .map(|(node, client)| Chain::read(*node, client, height));
    let run = Run {
        genesis: cast.genesis().clone(),
        chains: chains
            .collect::<Result<_, _>>()
            .map_err(ChaosError::Unread)?,
        acknowledged: workload.told(),
        seen: watch.seen(),
        healed: told.healed,
        traitors: traitor
            .map(|node| stage.local.nodes[node].member.clone())
            .into_iter()
            .collect(),
    };
    stage.local.stop(Duration::from_secs(10));
    let mut resumed_ms: Vec<_> = run
        .healed
        .iter()
        .filter_map(|healed| Some(healed.resumed?.as_millis()))
        .collect();
    resumed_ms.sort_unstable();
    Ok(Report {
        seed: config.seed,
        lasted_ms: start.elapsed().as_millis(),
        faults: told.faults,
        height,
        submitted: workload.submitted(),
        acknowledged: run.acknowledged.len(),
        attacks,
        resumed_ms,
        violations: checker::check(&run)
            .iter()
            .map(Violation::to_string)
            .collect(),
    })
}

/// The nodes that still run. What has ended publishes nothing; that it ended is a violation.
fn running(stage: &mut Stage, nodes: &[(usize, Client)]) -> Vec<(usize, Client)> {
    let mut nodes = nodes.to_vec();
    nodes.retain(|(node, _)| {
        let process = &mut stage.local.nodes[*node].process;
        !process.has_ended().unwrap_or(true)
    });
    nodes
}

/// With four validators one may be at fault: seeds take turns between a traitor and honest nodes
/// that forget. With more there is room for both.
fn traitor(config: &ChaosConfig) -> Option<usize> {
    let room = (config.validators - 1) / 3;
    let lies = config.broken.is_none() && (room > 1 || config.seed.is_multiple_of(2));
    lies.then_some(config.validators - 1)
}

/// What the run noted.
#[derive(Debug, Default)]
struct Told {
    faults: std::collections::BTreeMap<&'static str, u64>,
    healed: Vec<Healed>,
}

fn faults(
    config: &ChaosConfig,
    stage: &mut Stage,
    workload: &Workload<'_>,
    watch: &Watch<'_>,
    told: &mut Told,
    say: &(impl Fn(String) + Sync),
) -> Result<(), ChaosError> {
    // Of a build that is broken on purpose nobody needs to know how late it would come.
    let catch_up = config.broken.map_or(CATCH_UP, |_| CATCH_UP_BROKEN);
    let start = Instant::now();
    for window in Schedule::new(config.seed, stage.parties()) {
        let elapsed = start.elapsed();
        if elapsed >= config.lasts {
            break;
        }
        let Window { fault, lasts, calm } = window;
        say(format!(
            "{:>6} s  {fault}, for {} ms",
            elapsed.as_secs(),
            lasts.as_millis()
        ));
        stage.begin(&fault)?;
        watch.lives(&stage.lives);
        std::thread::sleep(lasts);
        stage.heal(&fault)?;
        *told.faults.entry(fault.kind()).or_default() += 1;
        let resumed = workload.probe(PATIENCE);
        let took = resumed.map_or("no progress".to_owned(), |took| {
            format!("{} ms", took.as_millis())
        });
        // Not waited for: a node that has ended catches up with nobody.
        if let Some(index) = stage.local.ended()? {
            say(format!("          node{index} ended by itself"));
            let fault = format!("{fault}: node{index} ended by itself, and");
            told.healed.push(Healed {
                fault,
                resumed: None,
            });
            break;
        }
        let late = lagging(workload.nodes, catch_up);
        say(format!(
            "          {took} to the first new transaction; {}",
            late.tell()
        ));
        told.healed.push(Healed {
            fault: fault.to_string(),
            resumed,
        });
        if let Late::Behind(node) = late {
            let fault = format!("{fault}: node{node} does not catch up, and");
            told.healed.push(Healed {
                fault,
                resumed: None,
            });
            break;
        }
        if resumed.is_none() {
            break;
        }
        std::thread::sleep(calm);
    }
    Ok(())
}

enum Late {
    Nobody(Duration),
    Behind(usize),
}

impl Late {
    fn tell(&self) -> String {
        match self {
            Self::Nobody(took) => format!("all nodes caught up after {} ms more", took.as_millis()),
            Self::Behind(node) => format!("node{node} does not catch up"),
        }
    }
}

/// Waits until every honest node is near the highest.
fn lagging(nodes: &[(usize, Client)], patience: Duration) -> Late {
    let start = Instant::now();
    loop {
        let heights: Vec<_> = nodes
            .iter()
            .map(|(node, client)| (*node, height_of(client)))
            .collect();
        let head = heights
            .iter()
            .filter_map(|(_, height)| *height)
            .max()
            .unwrap_or_default();
        let near = |height: &Option<Height>| height.is_some_and(|h| h.0 + BEHIND_MAX >= head.0);
        match heights.iter().find(|(_, height)| !near(height)) {
            None => return Late::Nobody(start.elapsed()),
            Some((node, _)) if start.elapsed() > patience => return Late::Behind(*node),
            Some(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn height_of(client: &Client) -> Option<Height> {
    Some(client.status().ok()?.ledger.height)
}

/// Waits until every honest node has all that was acknowledged; returns the height up to which all
/// are judged.
fn settle(nodes: &[(usize, Client)], workload: &Workload<'_>, told: &mut Told) -> Height {
    let start = Instant::now();
    // A run that has failed is not waited for.
    let failed = told.healed.iter().any(|healed| healed.resumed.is_none());
    let patience = if failed { FAILED } else { CATCH_UP };
    let acknowledged = workload
        .told()
        .iter()
        .map(|told| told.height)
        .max()
        .unwrap_or_default();
    loop {
        let heights = nodes.iter().map(|(_, client)| height_of(client));
        let lowest = heights
            .map(Option::unwrap_or_default)
            .min()
            .unwrap_or_default();
        if lowest >= acknowledged {
            return lowest;
        }
        if start.elapsed() > patience {
            let fault = format!("the end: a node stays at height {lowest} of {acknowledged}, and");
            told.healed.push(Healed {
                fault,
                resumed: None,
            });
            return acknowledged;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
