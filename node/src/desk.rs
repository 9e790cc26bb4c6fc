//! What the API asks of the node: take a transaction in, say what became of one, say how it is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::api::{Fate, MempoolCounts, NodeStatus, RuleRejection, Standing as Role};
use chipledger_schemas::ids::{Height, TransactionId};
use tokio::sync::watch;

use crate::api::{Accepted, Desk, Refused};
use crate::mempool::{self, Standing};
use crate::node::NodeHandle;

/// After how long a full mempool is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[async_trait]
impl Desk for NodeHandle {
    async fn submit(&self, transaction: VerifiedTransaction) -> Result<Accepted, Refused> {
        let id = transaction.id();
        let shared = Arc::new(transaction.clone());
        let new = self
            .mempool
            .insert(transaction, true)
            .map_err(|refused| match refused {
                mempool::Refused::Full { .. } => Refused::Full {
                    retry_after: RETRY_AFTER,
                },
                mempool::Refused::MemberFull { member, .. } => Refused::Quota {
                    member,
                    retry_after: RETRY_AFTER,
                },
                expired @ mempool::Refused::Expired { .. } => Refused::Rejected(Rejection::new(
                    chipledger_ledger::rejection::Code::Expired,
                    expired.to_string(),
                )),
            })?;
        if new {
            self.metrics.accepted(id);
            // What does not fit is sent with the next round of what still waits.
            let _ = self.outgoing.try_send(shared);
        }
        Ok(Accepted {
            known_before: !new,
            fate: self.fate(&id),
        })
    }

    fn fate(&self, id: &TransactionId) -> Fate {
        match self.mempool.standing(id) {
            Some(Standing::Waiting(last)) => Fate::Pending {
                accepted_height: self.progress.borrow().height,
                last_rejection: last.as_ref().map(told),
            },
            Some(Standing::Rejected(rejection)) => Fate::Rejected(told(&rejection)),
            Some(Standing::Expired(valid_until)) => Fate::Expired { valid_until },
            None => Fate::Unknown,
        }
    }

    async fn settled(&self, id: &TransactionId) -> Fate {
        let mut committed = self.heights.clone();
        loop {
            let fate = self.fate(id);
            if !matches!(fate, Fate::Pending { .. }) || committed.changed().await.is_err() {
                return fate;
            }
        }
    }

    fn status(&self) -> NodeStatus {
        let progress = self.progress.borrow().clone();
        let fill = self.mempool.fill();
        NodeStatus {
            member: Some(self.member.clone()),
            role: if progress.is_validator {
                Role::Validator
            } else {
                Role::Observer
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            peers_connected: u32::try_from(self.network.peers().len()).unwrap_or(u32::MAX),
            mempool: MempoolCounts {
                transactions: fill.transactions as u64,
                bytes: fill.bytes,
                members: fill.members as u64,
            },
            syncing: progress.syncing,
            halted: self.halted(),
            first_height: self.store.first_height().unwrap_or_default(),
        }
    }

    fn committed(&self) -> watch::Receiver<Height> {
        self.heights.clone()
    }

    fn refused(&self, code: &str) {
        self.metrics.refused(code);
    }

    fn metrics(&self) -> String {
        self.metrics.sample(self);
        let mut text = String::new();
        arc_malachitebft_metrics::export(&mut text);
        text
    }
}

impl NodeHandle {
    /// Why no blocks can be made now; absent while all is well.
    pub fn halted(&self) -> Option<String> {
        let reach = self.reach.borrow();
        if reach.is_quorum {
            return None;
        }
        let missing: Vec<_> = reach.missing.iter().map(ToString::to_string).collect();
        let (power, total) = (reach.power, reach.total);
        Some(format!(
            "only {power} of {total} voting power is within reach, more than two thirds are needed; \
             not connected: {}",
            missing.join(", ")
        ))
    }
}

fn told(rejection: &Rejection) -> RuleRejection {
    RuleRejection {
        code: rejection.code.as_str().to_owned(),
        message: rejection.detail.clone(),
        hint: rejection.code.hint().to_owned(),
        record: rejection.record,
    }
}
