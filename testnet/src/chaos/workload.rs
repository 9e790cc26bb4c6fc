//! Clients that submit without end and note what they are told.
//!
//! A client whose node does not answer, or lost the transaction, submits the same one elsewhere:
//! whatever happens to nodes, each transaction is to become final once. Half of them register a
//! chip, which the rules let happen once; half are notes, which only the memory of what was seen
//! keeps from happening twice. Some are submitted once more after they became final, as a client
//! does that lost its log, and as whoever replays what is not his does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chipledger_schemas::api::{Fate, TransactionAnswer};
use chipledger_schemas::encode::encode;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{ItemId, MemberId, RecordId, SiteId, TransactionId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Annotate, Record, Register};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

use crate::checker::Acknowledged;
use crate::client::Client;
use crate::world::Cast;

/// What chips are.
const MODEL: &str = "NVIDIA/H100-SXM5-80GB";
/// How long a client waits for one answer.
const WAIT: Duration = Duration::from_secs(2);
/// Pause of a client between two transactions: the machine is shared by all nodes.
const PAUSE: Duration = Duration::from_millis(60);

/// Of so many transactions one is replayed.
const REPLAYED: u64 = 5;

/// Now, by this machine's clock.
pub fn now() -> Time {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(elapsed.as_millis()).unwrap_or(0))
}

/// Makes signed transactions of the founding fab, each another.
#[derive(Debug)]
pub struct Author {
    cast: Cast,
    fab: MemberId,
    site: SiteId,
    next: AtomicU64,
}

impl Author {
    /// The founding fab of a cast.
    ///
    /// # Panics
    /// If the cast has no site: a bug of the cast.
    pub fn new(cast: &Cast) -> Self {
        Self::starting_at(cast, 1)
    }

    /// The same, counting from a number on: two authors of one cast do not say the same.
    ///
    /// # Panics
    /// If the cast has no site: a bug of the cast.
    pub fn starting_at(cast: &Cast, first: u64) -> Self {
        let site = cast.genesis().sites.first();
        let site = site.expect("the founding fab has a site");
        Self {
            cast: cast.clone(),
            fab: site.operator.clone(),
            site: site.site.clone(),
            next: AtomicU64::new(first),
        }
    }

    /// A transaction that nobody has made before.
    pub fn next(&self) -> Transaction {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let time = now();
        if number.is_multiple_of(2) {
            return self.sign(vec![self.register(number, 1, time)], time);
        }
        self.note(&format!("note {number}"), time)
    }

    /// The registration of so many chips from a number on.
    ///
    /// # Panics
    /// If the number has more than 13 digits.
    pub fn register(&self, first: u64, count: u64, time: Time) -> Record {
        let id: Option<ItemId> = format!("{}:{first:013}", self.fab).parse().ok();
        let id = id.expect("13 digits are a serial");
        Record::Register(Register {
            items: ItemSet::consecutive(&id, count).expect("13 digits hold them"),
            model: MODEL.parse().expect("a model of the catalogue"),
            site: self.site.clone(),
            origin: Origin::Made,
            lot: None,
            device_keys: Vec::new(),
            occurred_at: time,
        })
    }

    /// A note in the fab's name.
    pub fn note(&self, text: &str, time: Time) -> Transaction {
        let record = Record::Annotate(Annotate {
            record: RecordId::new(TransactionId(Hash::ZERO), 0),
            text: text.to_owned(),
        });
        self.sign(vec![record], time)
    }

    /// Signs records of the fab.
    pub fn sign(&self, records: Vec<Record>, time: Time) -> Transaction {
        self.cast.sign(&self.fab, &[], records, time)
    }
}

/// What clients share: whom to ask, what they were told.
#[derive(Debug)]
pub struct Workload<'a> {
    /// Makes what they submit.
    pub author: &'a Author,
    /// Honest nodes, by number.
    pub nodes: &'a [(usize, Client)],
    /// Set when the run is over.
    pub stop: AtomicBool,
    told: Mutex<Vec<Acknowledged>>,
    submitted: AtomicU64,
}

impl<'a> Workload<'a> {
    /// Clients of honest nodes.
    pub fn new(author: &'a Author, nodes: &'a [(usize, Client)]) -> Self {
        Self {
            author,
            nodes,
            stop: AtomicBool::new(false),
            told: Mutex::new(Vec::new()),
            submitted: AtomicU64::new(0),
        }
    }

    /// One client: submits until the run is over.
    pub fn client(&self, first: usize) {
        let mut at = first;
        while !self.stop.load(Ordering::Relaxed) {
            let submitted = self.submitted.fetch_add(1, Ordering::Relaxed);
            let bytes = encode(&self.author.next());
            let times = if submitted.is_multiple_of(REPLAYED) {
                2
            } else {
                1
            };
            for _ in 0..times {
                // One that is never answered is given up when the run is over.
                while !self.stop.load(Ordering::Relaxed) {
                    at += 1;
                    if self.ask(at, &bytes) {
                        break;
                    }
                    std::thread::sleep(PAUSE);
                }
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Submits at a node; whether its fate is known.
    fn ask(&self, at: usize, bytes: &[u8]) -> bool {
        let (node, client) = &self.nodes[at % self.nodes.len()];
        match client.submit(bytes, WAIT) {
            Ok(answer) => self.note(*node, &answer),
            Err(error) => !error.may_pass(),
        }
    }

    fn note(&self, node: usize, answer: &TransactionAnswer) -> bool {
        let Fate::Final {
            height,
            index,
            block,
        } = answer.fate
        else {
            return false;
        };
        let id = answer.id;
        let told = Acknowledged {
            id,
            node,
            height,
            index,
            block,
        };
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
        true
    }

    /// Submits a new transaction at every node at once; how long it takes until one says that it is
    /// final, if any does in time.
    pub fn probe(&self, patience: Duration) -> Option<Duration> {
        let bytes = encode(&self.author.next());
        let start = Instant::now();
        let found = Mutex::new(None);
        let is_found = || {
            found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some()
        };
        std::thread::scope(|scope| {
            for (node, client) in self.nodes {
                scope.spawn(|| {
                    while !is_found() && start.elapsed() < patience {
                        let answered = client.submit(&bytes, WAIT);
                        if answered.is_ok_and(|answer| self.note(*node, &answer)) {
                            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                            let _ = found.get_or_insert(start.elapsed());
                        } else {
                            std::thread::sleep(PAUSE);
                        }
                    }
                });
            }
        });
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What clients were told so far.
    pub fn told(&self) -> Vec<Acknowledged> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Transactions made so far.
    pub fn submitted(&self) -> u64 {
        self.submitted.load(Ordering::Relaxed)
    }
}
