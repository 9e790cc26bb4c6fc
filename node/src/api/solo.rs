//! A desk over a ledger of one's own: the API in front of [`Solo`], for one machine and for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chipledger_ledger::solo::{Solo, SubmitError};
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::api::{Fate, MempoolCounts, NodeStatus, Standing};
use chipledger_schemas::ids::{Height, TransactionId};
use tokio::sync::watch;

use super::desk::{Accepted, Desk, Refused};

/// Most transactions that wait; more are refused.
const WAITING_MAX: usize = 4_096;
/// Fates that are remembered; of older ones only the final are known, from the store.
const FATES_MAX: usize = 65_536;
/// How long a refused submitter is asked to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A ledger with one validator behind the API.
pub struct SoloDesk {
    solo: Solo,
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    fates: Mutex<Fates>,
    committed: watch::Sender<Height>,
    /// Changes whenever a fate is settled.
    settled: watch::Sender<u64>,
}

#[derive(Default)]
struct Fates {
    known: BTreeMap<TransactionId, Fate>,
    /// Settled ones, oldest first.
    order: std::collections::VecDeque<TransactionId>,
    waiting: usize,
    halted: Option<String>,
}

impl SoloDesk {
    /// A desk for a running ledger.
    pub fn new(solo: Solo) -> Self {
        let store = solo.store().clone();
        let (committed, _) = watch::channel(store.head().header.height);
        let (settled, _) = watch::channel(0);
        let shared = Arc::new(Shared {
            store,
            fates: Mutex::default(),
            committed,
            settled,
        });
        Self { solo, shared }
    }
}

impl Shared {
    fn fates(&self) -> MutexGuard<'_, Fates> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what became of a transaction, and tells everybody.
    fn settle(&self, id: TransactionId, fate: Option<Fate>, halted: Option<String>) {
        let mut fates = self.fates();
        fates.waiting = fates.waiting.saturating_sub(1);
        fates.halted = fates.halted.take().or(halted);
        match fate {
            Some(fate) => {
                fates.known.insert(id, fate);
                fates.order.push_back(id);
            }
            None => {
                fates.known.remove(&id);
            }
        }
        if fates.order.len() > FATES_MAX
            && let Some(oldest) = fates.order.pop_front()
        {
            fates.known.remove(&oldest);
        }
        drop(fates);
        let height = self.store.head().header.height;
        self.committed.send_if_modified(|last| {
            let higher = *last < height;
            *last = height.max(*last);
            higher
        });
        self.settled.send_modify(|count| *count += 1);
    }

    fn fate(&self, id: &TransactionId) -> Fate {
        self.fates().known.get(id).cloned().unwrap_or(Fate::Unknown)
    }
}

/// What the ledger said, as a fate.
fn fate_of(store: &Store, id: TransactionId, error: &SubmitError) -> Option<Fate> {
    match error {
        SubmitError::Rejected(rejection) => Some(Fate::Rejected(rejection.told())),
        SubmitError::Stopped { .. } => {
            super::transactions::final_fate(store, id).unwrap_or_default()
        }
    }
}

#[async_trait]
impl Desk for SoloDesk {
    async fn submit(&self, transaction: VerifiedTransaction) -> Result<Accepted, Refused> {
        let (id, height) = (transaction.id(), self.shared.store.head().header.height);
        let pending = Fate::Pending {
            accepted_height: height,
            last_rejection: None,
        };
        {
            let mut fates = self.shared.fates();
            if let Some(why) = fates.halted.clone() {
                return Err(Refused::Halted { why });
            }
            // One that was rejected may be sent again: the state may have changed.
            if let Some(fate @ (Fate::Pending { .. } | Fate::Final { .. })) = fates.known.get(&id) {
                return Ok(Accepted {
                    known_before: true,
                    fate: fate.clone(),
                });
            }
            if fates.waiting >= WAITING_MAX {
                return Err(Refused::Full {
                    retry_after: RETRY_AFTER,
                });
            }
            fates.waiting += 1;
            fates.known.insert(id, pending.clone());
        }
        let receiver = match self.solo.enqueue(transaction.into_transaction()) {
            Ok(receiver) => receiver,
            Err(error) => {
                self.shared.settle(id, None, None);
                return Err(match error {
                    SubmitError::Rejected(rejection) => Refused::Rejected(rejection),
                    SubmitError::Stopped { reason } => Refused::Halted { why: reason },
                });
            }
        };
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            let gone = |_| SubmitError::Stopped {
                reason: "the committer is gone".to_owned(),
            };
            match receiver.recv().map_err(gone).and_then(|told| told) {
                Ok(_) => {
                    let fate = super::transactions::final_fate(&shared.store, id);
                    shared.settle(id, fate.unwrap_or_default(), None);
                }
                Err(error) => {
                    let halted = match &error {
                        SubmitError::Stopped { reason } => Some(reason.clone()),
                        SubmitError::Rejected(_) => None,
                    };
                    shared.settle(id, fate_of(&shared.store, id, &error), halted);
                }
            }
        });
        Ok(Accepted {
            known_before: false,
            fate: pending,
        })
    }

    fn fate(&self, id: &TransactionId) -> Fate {
        self.shared.fate(id)
    }

    async fn settled(&self, id: &TransactionId) -> Fate {
        let mut settled = self.shared.settled.subscribe();
        loop {
            settled.borrow_and_update();
            let fate = self.shared.fate(id);
            if !matches!(fate, Fate::Pending { .. }) || settled.changed().await.is_err() {
                return fate;
            }
        }
    }

    fn status(&self) -> NodeStatus {
        let fates = self.shared.fates();
        NodeStatus {
            member: self
                .shared
                .store
                .genesis()
                .validators
                .0
                .first()
                .map(|seat| seat.member.clone()),
            role: Standing::Validator,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            peers_connected: 0,
            mempool: MempoolCounts {
                transactions: fates.waiting as u64,
                bytes: 0,
                members: 0,
            },
            syncing: false,
            halted: fates.halted.clone(),
            first_height: Height(0),
        }
    }

    fn committed(&self) -> watch::Receiver<Height> {
        self.shared.committed.subscribe()
    }

    fn metrics(&self) -> String {
        let height = self.shared.store.head().header.height;
        format!(
            "# HELP chipledger_height The last committed height.\n\
             # TYPE chipledger_height gauge\n\
             chipledger_height {height}\n# EOF\n"
        )
    }
}
