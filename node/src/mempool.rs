//! The mempool: accepted transactions that wait for a block, bounded and fair between members.
//!
//! A transaction that does not apply yet waits until it does or until its window ends; it is tried
//! again once other blocks have changed something, less and less often. What becomes of it is
//! remembered for a while, so that its submitter can ask. A cheap handle; nothing in it blocks.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chipledger_ledger::rejection::{Code, Rejection};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::ids::{MemberId, TransactionId};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[cfg(test)]
mod tests;

/// Fates that are remembered after a transaction left the mempool without a block.
const FATES_MAX: usize = 20_000;
/// Most blocks with transactions that one waits for its next try.
const PATIENCE_MAX: u64 = 64;
/// How long one waits for its second try where no blocks come; doubles from try to try.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Most that one waits for its next try, however few blocks come: what it rests on may be final.
const RETRY_MAX: Duration = Duration::from_secs(16);

/// Bounds of the mempool: the section `[mempool]` of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MempoolConfig {
    /// Most transactions.
    pub transactions_max: usize,
    /// Most bytes.
    pub bytes_max: u64,
    /// Most transactions of one member.
    pub member_transactions_max: usize,
    /// Most bytes of one member.
    pub member_bytes_max: u64,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self {
            transactions_max: 100_000,
            bytes_max: 256 * 1024 * 1024,
            member_transactions_max: 40_000,
            member_bytes_max: 96 * 1024 * 1024,
        }
    }
}

/// Why a transaction is not taken in. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The mempool is full. Submit again after a while; resubmission is harmless.
    #[error("the mempool is full: {waiting} transactions wait")]
    Full {
        /// Transactions that wait.
        waiting: usize,
    },
    /// The member's share of the mempool is used up. Wait for some of its transactions to become
    /// final, then submit again.
    #[error("{member} has {waiting} transactions waiting, its share of the mempool")]
    MemberFull {
        /// The member.
        member: MemberId,
        /// Its transactions that wait.
        waiting: usize,
    },
    /// The window is over. Sign it anew.
    #[error("the window ended at {until}, block time is {now}")]
    Expired {
        /// End of the window.
        until: Time,
        /// Block time.
        now: Time,
    },
}

/// What is known of a transaction that is in no block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It waits; the last reason why it did not apply, if it was tried.
    Waiting(Option<Rejection>),
    /// It was set aside for good.
    Rejected(Rejection),
    /// Its window ended then.
    Expired(Time),
}

/// How full the mempool is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fill {
    /// Transactions that wait.
    pub transactions: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Members that they are of.
    pub members: usize,
    /// The most transactions of any one member.
    pub member_transactions: usize,
    /// The most bytes of any one member.
    pub member_bytes: u64,
}

/// Accepted transactions that wait.
#[derive(Clone, Debug)]
pub struct Mempool {
    inner: Arc<Mutex<Inner>>,
    /// Counts what makes a block worth while; waited on by the pace of consensus.
    demand: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Waiting {
    transaction: Arc<VerifiedTransaction>,
    own: bool,
    tries: u32,
    /// Not tried before this many blocks with transactions were committed,
    after: u64,
    /// or before then: in a quiet hour few blocks come.
    at: Option<Instant>,
    last: Option<Rejection>,
}

impl Waiting {
    fn is_due(&self, changes: u64, now: Instant) -> bool {
        self.after <= changes || self.at.is_some_and(|at| at <= now)
    }
}

#[derive(Debug, Default)]
struct Share {
    order: VecDeque<TransactionId>,
    bytes: u64,
}

#[derive(Debug)]
struct Inner {
    config: MempoolConfig,
    waiting: HashMap<TransactionId, Waiting>,
    shares: BTreeMap<MemberId, Share>,
    bytes: u64,
    /// Ends of windows, so that those over are found without a scan.
    ends: BTreeSet<(Time, TransactionId)>,
    fates: HashMap<TransactionId, Standing>,
    fate_order: VecDeque<TransactionId>,
    /// Blocks with transactions so far.
    changes: u64,
    /// The member that the next selection begins with.
    turn: Option<MemberId>,
    now: Time,
}

impl Mempool {
    /// An empty mempool at a block time.
    pub fn new(config: MempoolConfig, now: Time) -> Self {
        let inner = Inner {
            config,
            waiting: HashMap::new(),
            shares: BTreeMap::new(),
            bytes: 0,
            ends: BTreeSet::new(),
            fates: HashMap::new(),
            fate_order: VecDeque::new(),
            changes: 0,
            turn: None,
            now,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            demand: Arc::new(watch::Sender::new(0)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a checked transaction in. `own` ones were submitted here and are gossiped again until
    /// they are final. True if it is new; taking one in twice changes nothing.
    pub fn insert(&self, transaction: VerifiedTransaction, own: bool) -> Result<bool, Refused> {
        let new = self.lock().insert(transaction, own)?;
        if new {
            self.demand.send_modify(|count| *count += 1);
        }
        Ok(new)
    }

    /// The checked form of a transaction, if exactly this one, signatures included, waits here.
    pub fn verified(
        &self,
        transaction: &Transaction,
        id: &TransactionId,
    ) -> Option<Arc<VerifiedTransaction>> {
        let inner = self.lock();
        let waiting = inner.waiting.get(id)?;
        (waiting.transaction.transaction() == transaction).then(|| Arc::clone(&waiting.transaction))
    }

    /// Transactions for a block: from all members in turn, each member's in the order of arrival.
    pub fn select(&self, bytes_max: u64, item_events_max: u64) -> Vec<Arc<VerifiedTransaction>> {
        self.lock()
            .select(bytes_max, item_events_max, Instant::now())
    }

    /// Whether a block now would have something to hold.
    pub fn has_demand(&self) -> bool {
        let (inner, now) = (self.lock(), Instant::now());
        inner
            .waiting
            .values()
            .any(|waiting| waiting.is_due(inner.changes, now))
    }

    /// Changes whenever a transaction comes in.
    pub fn demand(&self) -> watch::Receiver<u64> {
        self.demand.subscribe()
    }

    /// A transaction was tried and does not apply: for good, or yet.
    pub fn rejected(&self, id: &TransactionId, rejection: Rejection) {
        self.lock().rejected(id, rejection, Instant::now());
    }

    /// A block was committed: its transactions leave, and so do those whose window is over.
    pub fn committed(&self, ids: &[TransactionId], time: Time) {
        self.lock().committed(ids, time);
    }

    /// What is known of a transaction that is in no block.
    pub fn standing(&self, id: &TransactionId) -> Option<Standing> {
        let inner = self.lock();
        match inner.waiting.get(id) {
            Some(waiting) => Some(Standing::Waiting(waiting.last.clone())),
            None => inner.fates.get(id).cloned(),
        }
    }

    /// Transactions submitted here that still wait, at most `count`, oldest of each member first.
    pub fn own(&self, count: usize) -> Vec<Arc<VerifiedTransaction>> {
        let inner = self.lock();
        let ids = inner.shares.values().flat_map(|share| &share.order);
        let own = ids.filter_map(|id| inner.waiting.get(id).filter(|waiting| waiting.own));
        own.take(count)
            .map(|waiting| Arc::clone(&waiting.transaction))
            .collect()
    }

    /// How full it is.
    pub fn fill(&self) -> Fill {
        let inner = self.lock();
        Fill {
            transactions: inner.waiting.len(),
            bytes: inner.bytes,
            members: inner.shares.len(),
            member_transactions: most(inner.shares.values().map(|share| share.order.len())),
            member_bytes: most(inner.shares.values().map(|share| share.bytes)),
        }
    }

    /// Its bounds.
    pub fn config(&self) -> MempoolConfig {
        self.lock().config
    }
}

fn most<T: Ord + Default>(counts: impl Iterator<Item = T>) -> T {
    counts.max().unwrap_or_default()
}

/// Whether a rejection is for good: no later block can make the transaction apply.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownVersion
            | Code::WrongChain
            | Code::TransactionTooLarge
            | Code::NoRecords
            | Code::WindowTooLong
            | Code::Expired
            | Code::DuplicateTransaction
            | Code::Malformed
            | Code::TooManyItems
            | Code::BadSignature
            | Code::SerialTaken
            | Code::DeviceKeyTaken
            | Code::ItemEnded
            | Code::EquivocationKnown
            | Code::ExecutionFailed
    )
}

impl Inner {
    fn insert(&mut self, transaction: VerifiedTransaction, own: bool) -> Result<bool, Refused> {
        let id = transaction.id();
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.own |= own;
            return Ok(false);
        }
        let body = &transaction.transaction().body;
        let (member, until) = (body.member.clone(), body.valid_until);
        if until <= self.now {
            return Err(Refused::Expired {
                until,
                now: self.now,
            });
        }
        let (config, bytes) = (self.config, transaction.bytes());
        if self.waiting.len() >= config.transactions_max || self.bytes + bytes > config.bytes_max {
            return Err(Refused::Full {
                waiting: self.waiting.len(),
            });
        }
        let share = self.shares.entry(member.clone()).or_default();
        let waiting = share.order.len();
        if waiting >= config.member_transactions_max
            || share.bytes + bytes > config.member_bytes_max
        {
            return Err(Refused::MemberFull { member, waiting });
        }
        share.order.push_back(id);
        share.bytes += bytes;
        self.bytes += bytes;
        self.ends.insert((until, id));
        self.fates.remove(&id);
        let waiting = Waiting {
            transaction: Arc::new(transaction),
            own,
            tries: 0,
            after: 0,
            at: None,
            last: None,
        };
        self.waiting.insert(id, waiting);
        Ok(true)
    }

    fn select(
        &mut self,
        bytes_max: u64,
        item_events_max: u64,
        now: Instant,
    ) -> Vec<Arc<VerifiedTransaction>> {
        let members: Vec<&MemberId> = self.shares.keys().collect();
        let first = self.turn.as_ref().map_or(0, |turn| {
            members.partition_point(|member| *member < turn) % members.len().max(1)
        });
        let mut queues: VecDeque<_> = members[first..]
            .iter()
            .chain(&members[..first])
            .map(|member| self.shares[*member].order.iter())
            .collect();
        let (mut bytes, mut item_events) = (0, 0);
        let mut selected = Vec::new();
        while let Some(mut queue) = queues.pop_front() {
            let due = |id: &TransactionId| {
                let waiting = &self.waiting[id];
                waiting.is_due(self.changes, now).then_some(waiting)
            };
            let Some(waiting) = queue.find_map(due) else {
                continue;
            };
            bytes += waiting.transaction.bytes();
            item_events += waiting.transaction.item_events();
            if bytes > bytes_max || item_events > item_events_max {
                break;
            }
            selected.push(Arc::clone(&waiting.transaction));
            queues.push_back(queue);
        }
        self.turn = members
            .get((first + 1) % members.len().max(1))
            .map(|member| (*member).clone());
        selected
    }

    fn rejected(&mut self, id: &TransactionId, rejection: Rejection, now: Instant) {
        if is_final(rejection.code) {
            if self.remove(id).is_some() {
                self.remember(*id, Standing::Rejected(rejection));
            }
            return;
        }
        let changes = self.changes;
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.tries += 1;
            let doubled = waiting.tries.saturating_sub(1).min(6);
            waiting.after = changes + (1_u64 << doubled).min(PATIENCE_MAX);
            waiting.at = Some(now + (RETRY_FIRST * (1 << doubled)).min(RETRY_MAX));
            waiting.last = Some(rejection);
        }
    }

    fn committed(&mut self, ids: &[TransactionId], time: Time) {
        for id in ids {
            self.remove(id);
        }
        if !ids.is_empty() {
            self.changes += 1;
        }
        self.now = self.now.max(time);
        while let Some(&(until, id)) = self.ends.first()
            && until <= self.now
        {
            self.remove(&id);
            self.remember(id, Standing::Expired(until));
        }
    }

    fn remove(&mut self, id: &TransactionId) -> Option<Waiting> {
        let waiting = self.waiting.remove(id)?;
        let body = &waiting.transaction.transaction().body;
        self.ends.remove(&(body.valid_until, *id));
        self.bytes -= waiting.transaction.bytes();
        if let Some(share) = self.shares.get_mut(&body.member) {
            share.bytes -= waiting.transaction.bytes();
            // Blocks take from the front, so this finds its place at once.
            if let Some(place) = share.order.iter().position(|other| other == id) {
                share.order.remove(place);
            }
            if share.order.is_empty() {
                self.shares.remove(&body.member);
            }
        }
        Some(waiting)
    }

    fn remember(&mut self, id: TransactionId, standing: Standing) {
        if self.fates.insert(id, standing).is_none() {
            self.fate_order.push_back(id);
        }
        while self.fate_order.len() > FATES_MAX {
            if let Some(oldest) = self.fate_order.pop_front() {
                self.fates.remove(&oldest);
            }
        }
    }
}
