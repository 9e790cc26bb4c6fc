//! What the node counts, for Prometheus. All names start with `chipledger_`.
//!
//! A cheap handle. What happens is counted where it happens, with one call; what merely *is*
//! (height, mempool, disk) is looked at when somebody asks (`sample.rs`). `docs/metrics.md` is
//! written from the texts here, and the alert rules in `docs/monitoring` may name nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_malachitebft_metrics::SharedRegistry;
use chipledger_schemas::ids::{Height, TransactionId};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use crate::consensus::progress::Committed;
use crate::consensus::signing::SharedGuard;

pub mod page;
mod process;
mod sample;

/// Submissions of this node whose latency is measured at once; more are counted only.
const MEASURED_MAX: usize = 50_000;
/// Submissions older than this are no longer waited for.
const MEASURED_AGE: Duration = Duration::from_hours(1);

/// A number with a fraction: seconds.
type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct View {
    view: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bound {
    bound: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct How {
    how: &'static str,
}

/// What the node counts.
#[derive(Clone)]
pub struct Metrics(Arc<Counts>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

struct Counts {
    guard: Option<SharedGuard>,
    measured: Mutex<HashMap<TransactionId, Instant>>,
    consensus: Consensus,
    blocks: Blocks,
    submissions: Submissions,
    evidence: Evidence,
    house: House,
}

/// Where consensus stands.
struct Consensus {
    height: Gauge,
    round: Gauge,
    protocol: Gauge,
    commit_age: Seconds,
    clock_offset: Seconds,
    is_validator: Gauge,
    quorum: Gauge,
    validators: Gauge,
    validators_reachable: Gauge,
    power_reachable: Gauge,
    power_total: Gauge,
    syncing: Gauge,
    behind: Gauge,
    peers: Family<View, Gauge>,
    guard_waiting: Gauge,
    guard_height: Gauge,
}

/// Blocks and what is in them.
struct Blocks {
    committed: Family<How, Counter>,
    unfit: Counter,
    transactions: Counter,
    item_events: Counter,
    block_transactions: Histogram,
    block_item_events: Histogram,
    build: Histogram,
    execute: Histogram,
    commit: Histogram,
}

/// Transactions on their way into a block.
struct Submissions {
    accepted: Counter,
    refused: Family<Code, Counter>,
    gossip_refused: Counter,
    own_final: Counter,
    latency: Histogram,
    used: Family<Bound, Gauge>,
    limit: Family<Bound, Gauge>,
}

/// Evidence against validators.
struct Evidence {
    found: Counter,
    files: Gauge,
    open: Gauge,
    reported: Counter,
    conflicting: Counter,
}

/// The machine under the node.
struct House {
    disk_free: Gauge,
    disk_total: Gauge,
    ledger_bytes: Gauge,
    first_height: Gauge,
    snapshot_height: Gauge,
    resident: Gauge,
    cpu: Seconds,
    files: Gauge,
    started: Gauge,
}

/// Registers metrics one by one and gives them back.
struct Book<'a>(&'a mut Registry);

impl Book<'_> {
    fn put<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        self.put(name, help, Gauge::default())
    }

    fn seconds(&mut self, name: &str, help: &str) -> Seconds {
        self.put(name, help, Seconds::default())
    }

    fn counter(&mut self, name: &str, help: &str) -> Counter {
        self.put(name, help, Counter::default())
    }

    /// From a millisecond to half a minute.
    fn durations(&mut self, name: &str, help: &str) -> Histogram {
        self.put(
            name,
            help,
            Histogram::new(exponential_buckets(0.001, 2.0, 16)),
        )
    }

    /// From one to some tens of thousands.
    fn sizes(&mut self, name: &str, help: &str) -> Histogram {
        self.put(name, help, Histogram::new(exponential_buckets(1.0, 4.0, 9)))
    }
}

impl Consensus {
    fn registered(book: &mut Book<'_>) -> Self {
        Self {
            height: book.gauge("height", "Last committed height"),
            round: book.gauge(
                "round",
                "Round of the height being decided; above 0 proposers were not heard in time",
            ),
            protocol: book.gauge("protocol_version", "Protocol version in force"),
            commit_age: book.seconds(
                "last_commit_age_seconds",
                "Seconds since a block was committed here, by this node's clock",
            ),
            clock_offset: book.seconds(
                "clock_offset_seconds",
                "Seconds from the time in the last voted block of another proposer to its commit \
                 by this node's clock: about the time that consensus takes, negative if this \
                 clock is behind",
            ),
            is_validator: book.gauge("is_validator", "1 if this node has a seat now"),
            quorum: book.gauge(
                "quorum_reachable",
                "1 if more than two thirds of the voting power are within reach",
            ),
            validators: book.gauge("validators", "Validators of the next height"),
            validators_reachable: book.gauge(
                "validators_reachable",
                "Validators connected, this node included",
            ),
            power_reachable: book.gauge(
                "power_reachable",
                "Voting power connected, this node's included",
            ),
            power_total: book.gauge("power_total", "Voting power of all validators"),
            syncing: book.gauge(
                "syncing",
                "1 if the last block came from a peer's history instead of a vote",
            ),
            behind: book.gauge(
                "behind_blocks",
                "Blocks that connected validators with more than a third of the power are ahead",
            ),
            peers: book.put(
                "peers",
                "Connected peers by what they may see: full or own",
                Family::default(),
            ),
            guard_waiting: book.gauge(
                "guard_waiting",
                "1 if the key does not vote: its guard was lost and the safe height is not known \
                 or not reached",
            ),
            guard_height: book.gauge("guard_height", "Highest height that the key has signed at"),
        }
    }
}

impl Blocks {
    fn registered(book: &mut Book<'_>) -> Self {
        Self {
            committed: book.put(
                "blocks",
                "Blocks committed since start, by how they came: voted or synced",
                Family::default(),
            ),
            unfit: book.counter(
                "unfit_blocks",
                "Proposed blocks that this node does not vote for, its own included",
            ),
            transactions: book.counter("transactions", "Transactions committed since start"),
            item_events: book.counter("item_events", "Item-events committed since start"),
            block_transactions: book.sizes("block_transactions", "Transactions per block"),
            block_item_events: book.sizes("block_item_events", "Item-events per block"),
            build: book.durations(
                "block_build_seconds",
                "Seconds from the request for a block to a block signed, judged and on disk, as \
                 proposer",
            ),
            execute: book.durations(
                "block_execute_seconds",
                "Seconds to verify and execute a proposed or synced block and keep it on disk",
            ),
            commit: book.durations(
                "block_commit_seconds",
                "Seconds to write a decided block and its outcome, synced",
            ),
        }
    }
}

impl Submissions {
    fn registered(book: &mut Book<'_>) -> Self {
        Self {
            accepted: book.counter(
                "submissions_accepted",
                "Transactions accepted from the API or from this node itself, each once",
            ),
            refused: book.put(
                "submissions_refused",
                "Submissions at the API that were refused or rejected, by code",
                Family::default(),
            ),
            gossip_refused: book.counter(
                "gossip_refused",
                "Transactions gossiped by peers that were malformed, unsigned or found no room",
            ),
            own_final: book.counter(
                "submissions_final",
                "Transactions accepted here that became final",
            ),
            latency: book.durations(
                "submit_to_final_seconds",
                "Seconds from accepting a transaction here to its commit here",
            ),
            used: book.put(
                "mempool_used",
                "What waits in the mempool, by bound: transactions, bytes, and the most of any \
                 one member",
                Family::default(),
            ),
            limit: book.put(
                "mempool_limit",
                "The bounds of the mempool, as configured",
                Family::default(),
            ),
        }
    }
}

impl Evidence {
    fn registered(book: &mut Book<'_>) -> Self {
        Self {
            found: book.counter(
                "evidence_found",
                "Equivocations found by this node and verified, each once",
            ),
            files: book.gauge("evidence_files", "Files in the folder of evidence"),
            open: book.gauge(
                "evidence_open",
                "Equivocations found here that are not on the ledger yet",
            ),
            reported: book.counter(
                "evidence_reported",
                "Equivocations found here that became part of the ledger, whoever reported them",
            ),
            conflicting: book.counter(
                "conflicting_blocks",
                "Blocks for which the proposer had signed another of the same height and round",
            ),
        }
    }
}

impl House {
    fn registered(book: &mut Book<'_>) -> Self {
        Self {
            disk_free: book.gauge(
                "disk_free_bytes",
                "Bytes free for this node on the file system of the data directory",
            ),
            disk_total: book.gauge(
                "disk_total_bytes",
                "Bytes of the file system of the data directory",
            ),
            ledger_bytes: book.gauge("ledger_bytes", "Bytes of the ledger's directory"),
            first_height: book.gauge("first_height", "First height whose block is held here"),
            snapshot_height: book.gauge(
                "snapshot_height",
                "Height of the newest snapshot here; 0 if there is none",
            ),
            resident: book.gauge(
                "process_resident_bytes",
                "Bytes of memory that the process holds",
            ),
            cpu: book.seconds(
                "process_cpu_seconds",
                "Seconds of processor time that the process has used",
            ),
            files: book.gauge("process_open_files", "Files and sockets that are open"),
            started: book.gauge(
                "process_start_time_seconds",
                "When the node was started, in seconds since 1970",
            ),
        }
    }
}

impl Metrics {
    /// Registers everything; `guard` is that of the key that votes.
    pub fn registered(registry: &SharedRegistry, guard: Option<SharedGuard>) -> Self {
        registry.with_prefix("chipledger", |registry| Self::new(registry, guard))
    }

    fn new(registry: &mut Registry, guard: Option<SharedGuard>) -> Self {
        let mut book = Book(registry);
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        book.0
            .register("build", "The version that runs", Info::new(version));
        // An observer signs nothing; a rule over it must find the name all the same.
        let refusals = guard
            .as_ref()
            .map_or_else(Family::default, SharedGuard::refusals);
        book.put(
            "guard_refusals",
            "Signatures that the guard refused, by reason",
            refusals,
        );
        let counts = Counts {
            guard,
            measured: Mutex::default(),
            consensus: Consensus::registered(&mut book),
            blocks: Blocks::registered(&mut book),
            submissions: Submissions::registered(&mut book),
            evidence: Evidence::registered(&mut book),
            house: House::registered(&mut book),
        };
        counts.house.started.set(process::unix_seconds());
        Self(Arc::new(counts))
    }

    /// This node built a block since `began`.
    pub fn built(&self, began: Instant) {
        observe(&self.0.blocks.build, began);
    }

    /// This node judged a block since `began`; `fit` says what it found.
    pub fn judged(&self, began: Instant, fit: Option<bool>) {
        if fit.is_some() {
            observe(&self.0.blocks.execute, began);
        }
        if fit == Some(false) {
            self.0.blocks.unfit.inc();
        }
    }

    /// This node wrote a decided block since `began`.
    pub fn written(&self, began: Instant) {
        observe(&self.0.blocks.commit, began);
    }

    /// A block is part of the ledger. `synced` if it came from a peer's history.
    pub fn committed(&self, block: &Committed, synced: bool, own: bool, now_ms: u64) {
        let blocks = &self.0.blocks;
        let how = if synced { "synced" } else { "voted" };
        blocks.committed.get_or_create(&How { how }).inc();
        let transactions = block.transactions.len();
        blocks.transactions.inc_by(transactions as u64);
        blocks.item_events.inc_by(block.item_events);
        blocks
            .block_transactions
            .observe(counted(transactions as u64));
        blocks.block_item_events.observe(counted(block.item_events));
        if !synced && !own {
            let offset = signed_seconds(now_ms, block.header.time.0);
            self.0.consensus.clock_offset.set(offset);
        }
        self.settle(&block.transactions);
    }

    /// A transaction was accepted from the API or from this node itself.
    pub fn accepted(&self, id: TransactionId) {
        self.0.submissions.accepted.inc();
        let mut measured = self.measured();
        if measured.len() < MEASURED_MAX {
            measured.insert(id, Instant::now());
        }
    }

    /// The API refused or rejected a submission.
    pub fn refused(&self, code: &str) {
        let code = code.to_owned();
        let refused = &self.0.submissions.refused;
        refused.get_or_create(&Code { code }).inc();
    }

    /// Transactions of a peer were refused.
    pub fn gossip_refused(&self, count: usize) {
        self.0.submissions.gossip_refused.inc_by(count as u64);
    }

    /// Evidence was found, verified and written down.
    pub fn evidence_found(&self) {
        self.0.evidence.found.inc();
    }

    /// Evidence found here is part of the ledger.
    pub fn evidence_reported(&self) {
        self.0.evidence.reported.inc();
    }

    /// How many files of evidence there are, and how many of them the ledger does not know.
    pub fn evidence_held(&self, files: usize, open: usize) {
        self.0.evidence.files.set(whole(files as u64));
        self.0.evidence.open.set(whole(open as u64));
    }

    /// A proposer signed two blocks for one height and round.
    pub fn conflicting_block(&self) {
        self.0.evidence.conflicting.inc();
    }

    /// A snapshot of a height is complete on disk.
    pub fn snapshot_taken(&self, height: Height) {
        self.0.house.snapshot_height.set(whole(height.0));
    }

    fn measured(&self) -> MutexGuard<'_, HashMap<TransactionId, Instant>> {
        let measured = &self.0.measured;
        measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, ids: &[TransactionId]) {
        let mut measured = self.measured();
        if measured.is_empty() {
            return;
        }
        for id in ids {
            if let Some(began) = measured.remove(id) {
                self.0.submissions.own_final.inc();
                observe(&self.0.submissions.latency, began);
            }
        }
    }
}

fn observe(histogram: &Histogram, began: Instant) {
    histogram.observe(began.elapsed().as_secs_f64());
}

/// A count as a gauge holds it.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as a histogram takes it.
fn counted(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Seconds from `earlier` to `later`, both in milliseconds; negative if they are the other way
/// round.
fn signed_seconds(later: u64, earlier: u64) -> f64 {
    let apart = Duration::from_millis(later.abs_diff(earlier)).as_secs_f64();
    if later < earlier {
        apart.copysign(-1.0)
    } else {
        apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipledger_schemas::hash::Hash;

    fn text(metrics: impl FnOnce(&Metrics)) -> String {
        let mut registry = Registry::default();
        metrics(&Metrics::new(
            registry.sub_registry_with_prefix("chipledger"),
            None,
        ));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert_eq!(page::faults(&text), Vec::<String>::new());
        text
    }

    #[test]
    fn a_submission_is_measured_from_acceptance_to_its_block() {
        let id = TransactionId(Hash([1; 32]));
        let text = text(|metrics| {
            metrics.accepted(id);
            metrics.settle(&[id, TransactionId(Hash([2; 32]))]);
            metrics.settle(&[id]);
        });
        assert!(text.contains("chipledger_submissions_accepted_total 1\n"));
        assert!(
            text.contains("chipledger_submissions_final_total 1\n"),
            "{text}"
        );
        assert!(text.contains("chipledger_submit_to_final_seconds_count 1\n"));
    }

    #[test]
    fn what_is_counted_is_said_under_its_code_and_reason() {
        let text = text(|metrics| {
            metrics.refused("mempool_full");
            metrics.refused("mempool_full");
            metrics.judged(Instant::now(), Some(false));
            metrics.judged(Instant::now(), None);
        });
        assert!(text.contains("chipledger_submissions_refused_total{code=\"mempool_full\"} 2\n"));
        assert!(text.contains("chipledger_unfit_blocks_total 1\n"));
        assert!(text.contains("chipledger_block_execute_seconds_count 1\n"));
    }

    #[test]
    fn an_offset_has_a_sign() {
        assert!(signed_seconds(1_500, 1_000) > 0.49);
        assert!(signed_seconds(1_000, 1_500) < -0.49);
    }

    #[test]
    fn every_metric_says_what_it_means() {
        let text = text(|_| ());
        let found = page::metrics(&text);
        assert!(found.len() > 45, "{}", found.len());
        for metric in found {
            assert!(metric.help.len() > 12, "{}: {}", metric.name, metric.help);
            let unit = metric.name.ends_with("_seconds") || metric.name.ends_with("_bytes");
            let said = ["Seconds", "seconds", "Bytes", "bytes"];
            assert!(
                !unit || said.iter().any(|word| metric.help.contains(word)),
                "{}",
                metric.name
            );
        }
    }
}
