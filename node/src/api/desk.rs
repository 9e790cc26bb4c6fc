//! What the API asks of the node behind it. The node implements it over mempool and consensus;
//! `solo` over a ledger of one's own.

use std::time::Duration;

use async_trait::async_trait;
use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::api::{Fate, NodeStatus};
use chipledger_schemas::ids::{Height, MemberId, TransactionId};
use tokio::sync::watch;

/// A transaction is taken in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Whether it was known before: submitting again is safe and changes nothing.
    pub known_before: bool,
    /// What became of it so far.
    pub fate: Fate,
}

/// A transaction is not taken in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The rules say no. Correct what the rejection names.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The mempool is full. Send it again after the time named.
    #[error("the mempool is full")]
    Full {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The member's share of the mempool is used up. Send it again after the time named.
    #[error("{member} has as many transactions waiting as one member may")]
    Quota {
        /// Whose share.
        member: MemberId,
        /// How long to wait.
        retry_after: Duration,
    },
    /// The node catches up. Wait, or ask another node.
    #[error("the node is catching up with the others")]
    Syncing,
    /// The node takes nothing any more. Ask another node.
    #[error("the node has stopped: {why}")]
    Halted {
        /// Why.
        why: String,
    },
}

/// What the API asks of the node behind it. Nothing here may block its thread for long.
#[async_trait]
pub trait Desk: Send + Sync + 'static {
    /// Takes a transaction in, or says why not. One that was taken in before is accepted again.
    async fn submit(&self, transaction: VerifiedTransaction) -> Result<Accepted, Refused>;

    /// What became of a transaction that is not final: of those the API looks into the store.
    fn fate(&self, id: &TransactionId) -> Fate;

    /// Returns once the fate of a transaction is no longer pending. It may be dropped at any
    /// await: the API bounds the time.
    async fn settled(&self, id: &TransactionId) -> Fate;

    /// What the node says of itself.
    fn status(&self) -> NodeStatus;

    /// The last committed height; changes with every block that is committed.
    fn committed(&self) -> watch::Receiver<Height>;

    /// Counts a submission that the API answered with an error of this code.
    fn refused(&self, _code: &str) {}

    /// Metrics in the `OpenMetrics` text format.
    fn metrics(&self) -> String;
}
