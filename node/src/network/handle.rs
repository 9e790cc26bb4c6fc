//! What the rest of the node holds of the network.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chipledger_schemas::ids::MemberId;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot, watch};

use super::admission::{Admitted, View};
use super::command::Command;
use super::meter::{Meter, Meters};
use super::metrics::Metrics;
use super::records::{Refusal, Request, Response};
use super::topics::Topic;

/// How long a stopping network may take to say goodbye to its peers.
const GOODBYE: Duration = Duration::from_secs(3);

/// What peers send to this node, apart from what goes to the consensus engine.
#[derive(Debug)]
pub enum Input {
    /// Transactions on their way into a block. Judge them as if a stranger had sent them: the
    /// peer is admitted, the bytes are not checked.
    Transactions {
        /// Who published them (proven by the gossip signature), not who relayed them.
        from: PeerId,
        /// At most `limits.transactions_bytes_max`.
        bytes: Bytes,
    },
    /// A question by a peer.
    Request {
        /// Who asks.
        from: PeerId,
        /// Whose peer that is.
        member: MemberId,
        /// What it may see; requests that its view excludes never arrive here.
        view: View,
        /// The question.
        request: Request,
        /// Where the answer goes.
        reply: Reply,
    },
    /// An admitted peer of the same ledger is connected.
    PeerConnected(PeerId),
    /// Its last connection is gone.
    PeerDisconnected(PeerId),
}

/// The place for one answer. Dropped without an answer, the peer is told that we are busy.
#[derive(Debug)]
pub struct Reply(pub(super) oneshot::Sender<Response>);

impl Reply {
    /// Answers. If the peer has gone, nothing happens.
    pub fn send(self, response: Response) {
        let _gone = self.0.send(response);
    }
}

/// Why a request to a peer has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The peer is not connected. Ask another one.
    #[error("the peer is not connected")]
    NotConnected,
    /// The peer refuses; the source says why.
    #[error("the peer refused the request")]
    Refused(#[source] Refusal),
    /// No answer in time, or the connection broke. Ask again, or another peer.
    #[error("no answer by the peer: {0}")]
    NoAnswer(String),
    /// The request is larger than `limits.request_bytes_max`. Ask for less.
    #[error("a request of {got} bytes is above the limit of {most}")]
    TooLarge {
        /// Bytes of the request.
        got: usize,
        /// The bound.
        most: usize,
    },
    /// The network is stopping.
    #[error("the network has stopped")]
    Stopped,
}

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The peer dialled us.
    Inbound,
    /// We dialled the peer.
    Outbound,
}

/// One connected peer, as a status page shows it.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    /// The peer.
    pub id: PeerId,
    /// Whose it is.
    pub member: MemberId,
    /// What it may see.
    pub view: View,
    /// The other end of its oldest connection.
    pub address: Multiaddr,
    /// When that connection was made.
    pub connected_since: SystemTime,
    /// Who made it.
    pub direction: Direction,
    /// What the peer says it runs; empty until it has introduced itself.
    pub agent: String,
    /// The version of our protocols that it speaks; empty until it has introduced itself.
    pub protocol: String,
    /// Bytes read from it since this node started.
    pub inbound_bytes: u64,
    /// Bytes written to it since this node started.
    pub outbound_bytes: u64,
    /// The height that it last claimed to have reached; not checked.
    pub height: u64,
    /// Zero for a peer that behaves; falls with invalid messages, and at -100 it is locked out.
    pub score: i64,
}

/// A peer in the snapshot, with the meter that gives its live byte counts.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) status: PeerStatus,
    pub(super) meter: Arc<Meter>,
}

/// What the driver last told about itself.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    pub(super) peers: Vec<Seen>,
    pub(super) listening: Vec<Multiaddr>,
}

/// Everything the handle shares with the driver.
#[derive(Clone)]
pub(super) struct Wires {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) transactions: mpsc::Sender<Bytes>,
    pub(super) admitted: Arc<watch::Sender<Admitted>>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Metrics,
    pub(super) meters: Meters,
    pub(super) transactions_bytes_max: usize,
    pub(super) request_bytes_max: usize,
}

/// A cheap handle to the running network.
#[derive(Clone)]
pub struct NetworkHandle {
    pub(super) local: PeerId,
    pub(super) wires: Wires,
}

impl NetworkHandle {
    /// This node's own id.
    pub fn local(&self) -> PeerId {
        self.local
    }

    /// Gossips transactions to all full peers. Best effort: what is above the size limit or does
    /// not fit the queue is dropped and counted; a transaction that matters is sent again.
    pub fn publish_transactions(&self, bytes: Bytes) {
        let metrics = &self.wires.metrics;
        if bytes.len() > self.wires.transactions_bytes_max {
            metrics.dropped(Topic::Transactions, "too large to publish");
        } else if self.wires.transactions.try_send(bytes).is_err() {
            metrics.dropped(Topic::Transactions, "publishing queue full");
        }
    }

    /// Asks `peer` one question of the records protocol.
    pub async fn request(&self, peer: PeerId, request: Request) -> Result<Bytes, RequestError> {
        let (got, most) = (request.body.len(), self.wires.request_bytes_max);
        if got > most {
            return Err(RequestError::TooLarge { got, most });
        }
        let (reply, answer) = oneshot::channel();
        let command = Command::Ask(peer, request, reply);
        self.wires
            .commands
            .send(command)
            .await
            .map_err(|_| RequestError::Stopped)?;
        match answer.await.map_err(|_| RequestError::Stopped)?? {
            Response::Found(bytes) => Ok(bytes),
            Response::Refused(refusal) => Err(RequestError::Refused(refusal)),
        }
    }

    /// Replaces the allow-list. Peers that are missing from it are disconnected at once, new ones
    /// are dialled and let in. The last list given counts.
    pub fn admit(&self, admitted: Admitted) {
        self.wires.admitted.send_replace(admitted);
    }

    /// Disconnects a peer that sent what cannot be true, and refuses it for the time of a lockout.
    /// Whoever found it out must not ask it again either: lockouts end.
    pub async fn lock_out(&self, peer: PeerId) {
        // A network that has stopped has no peers.
        let _stopped = self.wires.commands.send(Command::LockOut(peer)).await;
    }

    /// The connected peers.
    pub fn peers(&self) -> Vec<PeerStatus> {
        let snapshot = self.wires.snapshot.borrow();
        let live = snapshot.peers.iter().map(|seen| PeerStatus {
            inbound_bytes: seen.meter.inbound_bytes.load(Ordering::Relaxed),
            outbound_bytes: seen.meter.outbound_bytes.load(Ordering::Relaxed),
            height: seen.meter.height.load(Ordering::Relaxed),
            ..seen.status.clone()
        });
        live.collect()
    }

    /// The addresses this node listens on, with the ports that the system chose.
    pub fn listening(&self) -> Vec<Multiaddr> {
        self.wires.snapshot.borrow().listening.clone()
    }

    /// Says goodbye to all peers and stops; returns when no connection is left, or after three
    /// seconds.
    pub async fn shutdown(&self) {
        let (done, stopped) = oneshot::channel();
        if self
            .wires
            .commands
            .send(Command::Shutdown(done))
            .await
            .is_ok()
        {
            let _late = tokio::time::timeout(GOODBYE, stopped).await;
        }
    }
}
