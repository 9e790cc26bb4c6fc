//! The one local validator: it owns the clock, the queue and the key, and certifies alone.
//!
//! Submitters wait together: whatever waits when a block is built goes into it (group commit), and
//! each is told once its block is synced. This file and `store.rs` are the only ones of the crate
//! with threads, locks or a clock.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::ids::{Height, MemberId, TransactionId};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

use crate::chain::Slot;
use crate::rejection::Rejection;
use crate::store::{Store, StoreError};
use crate::verify::VerifiedTransaction;

/// Most transactions that wait; more submitters wait in line before them.
const WAITING_MAX: usize = 8_192;

/// A transaction is final: its block is synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The transaction.
    pub id: TransactionId,
    /// Its block.
    pub height: Height,
}

/// Why a transaction is not final.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The rules say no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The ledger has stopped: the disk refused a write, or it was closed. Start it again.
    #[error("the ledger has stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// The key file does not certify for this ledger. Use the key that the genesis document names.
#[derive(Debug, thiserror::Error)]
#[error("the key is not the one validator's of this ledger; use the key that genesis names")]
pub struct NotTheValidator;

struct Waiting {
    transaction: VerifiedTransaction,
    reply: Sender<Result<Receipt, SubmitError>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    closed: bool,
    stopped: Option<String>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something waits, or the end has come: told to the committer.
    work: Condvar,
    /// There is room again, or none ever will be: told to submitters.
    room: Condvar,
    certifier: Certifier,
}

/// Certifies blocks of a ledger alone, one after the other.
#[derive(Debug)]
pub struct Certifier {
    store: Store,
    member: MemberId,
    key: SecretKey,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Committed {
    /// Height of the block; absent if nothing was left to put into one.
    pub height: Option<Height>,
    /// Transactions that the rules say no to, by their index in the batch.
    pub rejected: Vec<(usize, Rejection)>,
    /// Transactions that did not fit into the block, by their index in the batch.
    pub deferred: Vec<usize>,
}

impl Certifier {
    /// The only validator of a ledger.
    pub fn new(store: Store, key: SecretKey) -> Result<Self, NotTheValidator> {
        let validators = &store.genesis().validators;
        let seat = validators.0.iter().find(|seat| seat.key == key.public());
        let seat = seat.ok_or(NotTheValidator)?;
        if !validators.is_quorum(seat.power) {
            return Err(NotTheValidator);
        }
        let member = seat.member.clone();
        Ok(Self { store, member, key })
    }

    /// The ledger.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Commits one block with those of the transactions that apply and fit.
    pub fn commit(&self, batch: Vec<VerifiedTransaction>) -> Result<Committed, StoreError> {
        let slot = Slot {
            proposer: self.member.clone(),
            round: 0,
            clock: now(),
        };
        let mut proposal = self.store.decide(|ground| ground.propose(&slot, batch))?;
        let rejected = std::mem::take(&mut proposal.rejected);
        let deferred = std::mem::take(&mut proposal.deferred);
        if proposal.transactions.is_empty() {
            return Ok(Committed {
                height: None,
                rejected,
                deferred,
            });
        }
        let (block, outcome) = proposal.into_block();
        let height = block.header.height;
        let genesis = self.store.genesis_hash();
        let hash = block.header.hash();
        let certificate = Certificate::solo(&genesis, height, hash, &self.member, &self.key);
        self.store
            .commit(&CertifiedBlock { block, certificate }, outcome)?;
        Ok(Committed {
            height: Some(height),
            rejected,
            deferred,
        })
    }
}

/// A ledger with one validator: this process.
pub struct Solo {
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
}

impl Solo {
    /// Starts certifying blocks of a ledger with the key of its only validator.
    pub fn start(store: Store, key: SecretKey) -> Result<Self, NotTheValidator> {
        Certifier::new(store, key).map(Self::of)
    }

    /// Starts taking transactions for a certifier.
    pub fn of(certifier: Certifier) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            certifier,
        });
        let committer = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.run())
        };
        Self {
            shared,
            committer: Some(committer),
        }
    }

    /// The ledger.
    pub fn store(&self) -> &Store {
        &self.shared.certifier.store
    }

    /// Checks a transaction on this thread, queues it, and returns where its fate will be told.
    pub fn enqueue(
        &self,
        transaction: Transaction,
    ) -> Result<Receiver<Result<Receipt, SubmitError>>, SubmitError> {
        let store = &self.shared.certifier.store;
        let (genesis, bounds) = (store.genesis_hash(), store.genesis().bounds);
        let transaction = VerifiedTransaction::verify(transaction, &genesis, &bounds)?;
        let (reply, receiver) = channel();
        let mut queue = self.shared.lock();
        while queue.waiting.len() >= WAITING_MAX && queue.stopped.is_none() {
            queue = self
                .shared
                .room
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(reason) = &queue.stopped {
            return Err(SubmitError::Stopped {
                reason: reason.clone(),
            });
        }
        queue.waiting.push_back(Waiting { transaction, reply });
        let is_first = queue.waiting.len() == 1;
        drop(queue);
        // The committer takes all that waits: it sleeps only while nothing does.
        if is_first {
            self.shared.work.notify_one();
        }
        Ok(receiver)
    }

    /// Submits a transaction and waits until it is final, or refused.
    pub fn submit(&self, transaction: Transaction) -> Result<Receipt, SubmitError> {
        let receiver = self.enqueue(transaction)?;
        let stopped = |_| SubmitError::Stopped {
            reason: "the committer is gone".to_owned(),
        };
        receiver.recv().map_err(stopped)?
    }

    /// Commits everything that waits and stops.
    pub fn close(mut self) {
        self.join();
    }

    fn join(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_one();
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        self.join();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(batch) = self.next_batch() {
            let mut left: Vec<Option<Waiting>> = batch.into_iter().map(Some).collect();
            if let Err(error) = self.commit(&mut left) {
                self.stop(&error, left);
                return;
            }
        }
    }

    /// Tells everybody who still waits, in the batch or behind it, why nothing more becomes final.
    fn stop(&self, error: &StoreError, left: Vec<Option<Waiting>>) {
        let mut queue = self.lock();
        queue.stopped = Some(error.to_string());
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        for waiting in left.into_iter().flatten().chain(waiting) {
            let reason = error.to_string();
            let _ = waiting.reply.send(Err(SubmitError::Stopped { reason }));
        }
        self.room.notify_all();
    }

    /// Waits for something to do; `None` once closed and empty.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            queue = self
                .work
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let batch = queue.waiting.drain(..).collect();
        drop(queue);
        self.room.notify_all();
        Some(batch)
    }

    /// Commits a batch, over several blocks if it does not fit into one, and tells everybody; those
    /// whose fate an error leaves open stay in `left`.
    fn commit(&self, left: &mut Vec<Option<Waiting>>) -> Result<(), StoreError> {
        while !left.is_empty() {
            let candidates = left
                .iter()
                .flatten()
                .map(|waiting| waiting.transaction.clone());
            let committed = self.certifier.commit(candidates.collect())?;
            let mut tell = |index: usize, result: Result<Receipt, SubmitError>| {
                if let Some(waiting) = left.get_mut(index).and_then(Option::take) {
                    // A submitter that no longer listens finds its transaction by id.
                    let _ = waiting.reply.send(result);
                }
            };
            for (index, rejection) in committed.rejected {
                tell(index, Err(rejection.into()));
            }
            let mut deferred = Vec::new();
            for index in committed.deferred {
                deferred.push(left.get_mut(index).and_then(Option::take));
            }
            if let Some(height) = committed.height {
                for waiting in std::mem::take(left).into_iter().flatten() {
                    let receipt = Receipt {
                        id: waiting.transaction.id(),
                        height,
                    };
                    let _ = waiting.reply.send(Ok(receipt));
                }
            }
            *left = deferred;
        }
        Ok(())
    }
}

/// The wall clock; the epoch if it is set before that.
fn now() -> Time {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(elapsed.as_millis()).unwrap_or(0))
}
