//! A network for a test, and what tests wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chipledger_schemas::api::Fate;
use chipledger_schemas::encode::encode;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::Height;
use chipledger_schemas::records::Record;
use chipledger_schemas::transaction::Transaction;
use chipledger_testnet::chaos::workload::{Author, now};
use chipledger_testnet::client::{Bodies, Client};
use chipledger_testnet::local::plan::Tempo;
use chipledger_testnet::local::{Local, LocalNode, Plan, Ports};
use chipledger_testnet::world::Cast;

/// Longer than anything here takes on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Quick blocks, and a heartbeat that shows progress.
const TEMPO: Tempo = Tempo {
    block_interval_ms: 100,
    heartbeat_ms: 2_000,
};

/// One network at a time, where tests are threads of one process: what they promise is timed.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits until no other network runs in this process.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A network in a folder of its own that is removed at the end.
pub(crate) struct Network {
    pub(crate) local: Local,
    pub(crate) cast: Cast,
    pub(crate) author: Author,
    pub(crate) clients: Vec<Client>,
    // Removed after the nodes have ended.
    dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Network {
    /// Four validators, an observer, and so many nodes on standby; nothing runs yet.
    pub(crate) fn new(seed: u64, standby: usize) -> Self {
        let alone = alone();
        let dir = tempfile::tempdir().unwrap();
        let cast = Cast::new(seed, 4, Clock::Wall);
        let what = "a test".to_owned();
        let plan = Plan::with_standby(&cast, Ports::Free, TEMPO, what, standby).unwrap();
        let local = Local::open(dir.path(), &cast, &plan).unwrap();
        let clients = local.nodes.iter().map(LocalNode::client).collect();
        let author = Author::new(&cast);
        Self {
            local,
            cast,
            author,
            clients,
            dir,
            _alone: alone,
        }
    }

    /// The same with the validators and the observer running.
    pub(crate) fn started(seed: u64) -> Self {
        let mut network = Self::new(seed, 0);
        network.local.start().unwrap();
        network.local.wait_ready(PATIENCE).unwrap();
        network
    }

    /// A node's folder.
    pub(crate) fn folder(&self, node: usize) -> std::path::PathBuf {
        self.dir.path().join(format!("node{node}"))
    }

    pub(crate) fn height(&self, node: usize) -> Height {
        let status = self.clients[node].status();
        status.map_or(Height(0), |status| status.ledger.height)
    }

    /// Waits until a node has a height.
    pub(crate) fn wait_height(&self, node: usize, height: Height) {
        wait_until(&format!("node{node} is at height {height}"), || {
            self.height(node) >= height
        });
    }

    /// Submits at a node until it is final there; where.
    pub(crate) fn make_final(&self, node: usize, transaction: &Transaction) -> Height {
        let bytes = encode(transaction);
        let mut at = None;
        let what = format!("{} is final at node{node}", transaction.id());
        wait_until(&what, || {
            let answer = self.clients[node].submit(&bytes, Duration::from_secs(2));
            match answer.map(|answer| answer.fate) {
                Ok(Fate::Final { height, .. }) => at = Some(height),
                Ok(_) => {}
                Err(error) => assert!(error.may_pass(), "{error}"),
            }
            at.is_some()
        });
        at.unwrap()
    }

    /// A new transaction becomes final at a node; where.
    pub(crate) fn progress(&self, node: usize) -> Height {
        self.make_final(node, &self.author.next())
    }

    /// Hash and state root of a height, as a node publishes them.
    pub(crate) fn block(&self, node: usize, height: Height) -> (String, String) {
        let page = self.clients[node].blocks(height, 1, Bodies::Left).unwrap();
        let block = &page.blocks[0];
        assert_eq!(block.header.height, height);
        (block.hash.to_string(), block.header.state_root.to_string())
    }

    /// Everything that a node has said.
    pub(crate) fn log(&self, node: usize) -> String {
        let log = self.local.nodes[node].process.log();
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// A record of governance, signed by a quorum of the regulators, made final at a node.
    pub(crate) fn govern(&self, node: usize, record: Record) -> Height {
        let regulators: Vec<_> = self.cast.regulators().collect();
        let (author, cosigners) = (&regulators[0], &regulators[1..3]);
        let signed = self.cast.sign(author, cosigners, vec![record], now());
        self.make_final(node, &signed)
    }
}

/// Waits for a condition.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
