//! Loading a world through running nodes by HTTP: every transaction is submitted to the node of
//! its author's choice and waited for until it is final.
//!
//! The stream is signed in order; a bounded stretch of it is under way at once. A transaction is
//! sent once all that it rests on are final ([`order::Order`]), and only while the window of the
//! oldest one under way is open: under the replay clock block time is the highest `signed_at`, and
//! must not run past the end of what still waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chipledger_schemas::api::Fate;
use chipledger_schemas::encode::encode;
use chipledger_schemas::ids::{MemberId, TransactionId};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

use crate::client::{Client, NoAnswer};
use order::{Number, Order};

pub mod order;

/// Transactions that may be under way, those waiting for others included.
const UNDER_WAY_MAX: usize = 2_000;
/// Requests at once, all nodes together.
const REQUESTS: usize = 96;
/// How long one request waits for a fate.
const WAIT: Duration = Duration::from_secs(20);
/// How long one transaction may take before the load gives up.
const PATIENCE: Duration = Duration::from_mins(3);
/// Pause before a node that is down or full is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// Why a load stopped. What is final stays; the same load can be run again and goes on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The ledger's rules reject a transaction: the world and the ledger are of different versions.
    #[error("transaction {number} ({id}) is rejected: {why}")]
    Rejected {
        /// Its number in the stream.
        number: Number,
        /// Its id.
        id: TransactionId,
        /// What the node says.
        why: String,
    },
    /// No node made it final in time. Look at the nodes' logs, then run the load again.
    #[error("transaction {number} ({id}) is not final after {} s: {why}", PATIENCE.as_secs())]
    Stuck {
        /// Its number in the stream.
        number: Number,
        /// Its id.
        id: TransactionId,
        /// What was last heard of it.
        why: String,
    },
    /// It was told to stop.
    #[error("stopped; run the load again to go on")]
    Stopped,
}

/// How far a load has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// All transactions before this number are final.
    pub prefix: Number,
    /// Transactions that became final in this run.
    pub transactions: u64,
    /// Item-events in them.
    pub item_events: u64,
    /// When the last one was signed.
    pub time: Time,
}

/// Submits a stream of transactions, whose `signed_at` never falls, to nodes; the first `skip` are
/// known to be final. Returns when all are, or `report` says to stop.
///
/// # Errors
/// [`FeedError`], the first.
///
/// # Panics
/// If there are no nodes.
pub fn feed(
    nodes: &[Client],
    transactions: impl Iterator<Item = Transaction>,
    skip: Number,
    report: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Progress, FeedError> {
    assert!(
        !nodes.is_empty(),
        "a world is loaded through at least one node"
    );
    let (jobs, waiting) = channel::<Job>();
    let waiting = Arc::new(Mutex::new(waiting));
    let (done, results) = channel();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..REQUESTS {
            let (waiting, done, over) = (Arc::clone(&waiting), done.clone(), &over);
            scope.spawn(move || work(nodes, &waiting, &done, over));
        }
        drop(done);
        let mut stretch = Stretch {
            order: Order::default(),
            under_way: BTreeMap::new(),
            dependants: HashMap::new(),
            jobs,
            next: 0,
            progress: Progress::default(),
            report,
        };
        let outcome = stretch.run(transactions, skip, &results);
        // Dropping the stretch closes the channel of jobs: the threads end.
        over.store(true, Ordering::Relaxed);
        outcome
    })
}

/// A transaction to be made final.
#[derive(Debug)]
struct Job {
    number: Number,
    id: TransactionId,
    member: MemberId,
    bytes: Vec<u8>,
}

type Done = (Number, Result<(), FeedError>);

#[derive(Debug)]
struct UnderWay {
    job: Option<Job>,
    rests_on: BTreeSet<Number>,
    valid_until: Time,
    signed_at: Time,
    item_events: u64,
}

struct Stretch<R> {
    order: Order,
    under_way: BTreeMap<Number, UnderWay>,
    dependants: HashMap<Number, Vec<Number>>,
    jobs: Sender<Job>,
    next: Number,
    progress: Progress,
    report: R,
}

impl<R: FnMut(Progress) -> ControlFlow<()>> Stretch<R> {
    fn run(
        &mut self,
        transactions: impl Iterator<Item = Transaction>,
        skip: Number,
        results: &Receiver<Done>,
    ) -> Result<Progress, FeedError> {
        let mut transactions = transactions.peekable();
        loop {
            while let Some(next) = transactions.next_if(|next| self.has_room(next)) {
                self.take(&next, skip);
            }
            if self.under_way.is_empty() {
                self.progress.prefix = self.next;
                return Ok(self.progress);
            }
            // Every one under way rests on others under way or is with a thread.
            let Ok((number, result)) = results.recv() else {
                return Ok(self.progress);
            };
            result?;
            if self.finish(number).is_break() {
                return Err(FeedError::Stopped);
            }
        }
    }

    fn has_room(&self, next: &Transaction) -> bool {
        let in_window = |oldest: &UnderWay| next.body.signed_at < oldest.valid_until;
        let oldest = self.under_way.values().next();
        self.under_way.len() < UNDER_WAY_MAX && oldest.is_none_or(in_window)
    }

    fn take(&mut self, transaction: &Transaction, skip: Number) {
        let number = self.next;
        self.next += 1;
        let mut rests_on = self.order.after(number, transaction);
        if number < skip {
            return;
        }
        rests_on.retain(|before| self.under_way.contains_key(before));
        for before in &rests_on {
            self.dependants.entry(*before).or_default().push(number);
        }
        let body = &transaction.body;
        let held = UnderWay {
            valid_until: body.valid_until,
            signed_at: body.signed_at,
            item_events: transaction.item_events(),
            rests_on,
            job: Some(Job {
                number,
                id: transaction.id(),
                member: body.member.clone(),
                bytes: encode(transaction),
            }),
        };
        self.under_way.insert(number, held);
        self.send_if_ready(number);
    }

    fn send_if_ready(&mut self, number: Number) {
        let Some(held) = self.under_way.get_mut(&number) else {
            return;
        };
        if held.rests_on.is_empty()
            && let Some(job) = held.job.take()
        {
            // The threads live as long as this.
            let _ = self.jobs.send(job);
        }
    }

    fn finish(&mut self, number: Number) -> ControlFlow<()> {
        let Some(held) = self.under_way.remove(&number) else {
            return ControlFlow::Continue(());
        };
        for dependant in self.dependants.remove(&number).unwrap_or_default() {
            if let Some(waiting) = self.under_way.get_mut(&dependant) {
                waiting.rests_on.remove(&number);
            }
            self.send_if_ready(dependant);
        }
        let first = self.under_way.keys().next();
        self.progress.prefix = first.copied().unwrap_or(self.next);
        self.progress.transactions += 1;
        self.progress.item_events += held.item_events;
        self.progress.time = self.progress.time.max(held.signed_at);
        (self.report)(self.progress)
    }
}

fn work(nodes: &[Client], waiting: &Mutex<Receiver<Job>>, done: &Sender<Done>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let job = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = job else { return };
        let result = make_final(nodes, &job);
        if done.send((job.number, result)).is_err() {
            return;
        }
    }
}

/// Which node a member submits to: always the same, others than its neighbours.
fn home(member: &MemberId, nodes: usize) -> usize {
    let hash = blake3::hash(member.as_str().as_bytes());
    usize::from(hash.as_bytes()[0]) % nodes.max(1)
}

fn make_final(nodes: &[Client], job: &Job) -> Result<(), FeedError> {
    let start = Instant::now();
    let mut at = home(&job.member, nodes.len());
    let mut why = String::new();
    while start.elapsed() < PATIENCE {
        match submit(&nodes[at], job) {
            Ok(Fate::Final { .. }) => return Ok(()),
            Ok(Fate::Pending { last_rejection, .. }) => {
                why = last_rejection.map_or("it waits".to_owned(), |last| last.message);
            }
            Ok(other) => why = format!("{other:?}"),
            Err(error) if error.may_pass() => {
                why = error.to_string();
                at = (at + 1) % nodes.len();
                std::thread::sleep(PAUSE);
            }
            Err(error) => {
                let (number, id, why) = (job.number, job.id, error.to_string());
                return Err(FeedError::Rejected { number, id, why });
            }
        }
    }
    let (number, id) = (job.number, job.id);
    Err(FeedError::Stuck { number, id, why })
}

/// Submitting again is how one asks: it is safe, and it reaches a node that has lost its mempool.
fn submit(node: &Client, job: &Job) -> Result<Fate, NoAnswer> {
    node.submit(&job.bytes, WAIT).map(|answer| answer.fate)
}
