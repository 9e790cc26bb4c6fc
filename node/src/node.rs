//! The node: it owns every task. Start, wait, shut down; the wiring on one page.
//!
//! ```text
//! peers <-> network <-> engine <-> consensus::App -> ledger (execute, commit) -> disk
//!              |                        ^
//!              +---- gossip ----> mempool <---- api (submit, ask) <---- people
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_app_channel::EngineHandle;
use arc_malachitebft_engine::network::NetworkRef;
use chipledger_ledger::chain::Sabotage;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{GenesisHash, Height, MemberId};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::api::{ApiContext, Limits, Server};
use crate::config::Config;
use crate::consensus::candidates::Fatal;
use crate::consensus::context::LedgerContext;
use crate::consensus::engine::NotStarted;
use crate::consensus::progress::{Committed, Progress};
use crate::consensus::signing::SharedGuard;
use crate::consensus::undecided::UndecidedError;
use crate::evidence::{EvidenceError, Reporter};
use crate::gossip::take_in;
use crate::guard::GuardError;
use crate::keys::KeyError;
use crate::lock::{DirLock, LockError};
use crate::membership::{Membership, Reach, reach};
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use crate::network::{Input, NetworkError, NetworkHandle, Refusal, RequestKind, Response};
use crate::serve::Records;
use crate::snapshots::Snapshots;
use crate::status;

mod advice;
mod start;

use start::{Ground, open_undecided};

/// Longest that stopping takes.
const STOP_MAX: Duration = Duration::from_secs(8);
/// How often connections and the allow-list are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Why a node does not start, or stopped. Nothing was guessed.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The data directory is taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The guard cannot be used.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The genesis document cannot be read. Get the file that all members use.
    #[error("genesis {}: {reason}", path.display())]
    Genesis {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The genesis document is not the one that the configuration names. Compare it with the other
    /// members'.
    #[error("the genesis document has hash {got}, the configuration expects {expected}")]
    OtherGenesis {
        /// The file's.
        got: GenesisHash,
        /// The configuration's, or the ledger's on disk.
        expected: GenesisHash,
    },
    /// The ledger cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger's members cannot be read.
    #[error(transparent)]
    Query(#[from] chipledger_ledger::read::QueryError),
    /// Undecided blocks cannot be read.
    #[error(transparent)]
    Undecided(#[from] UndecidedError),
    /// An empty node cannot begin.
    #[error(transparent)]
    Begin(#[from] crate::snapshots::BeginError),
    /// The headers that are followed cannot be kept.
    #[error(transparent)]
    Headers(#[from] crate::follow::headers::HeadersError),
    /// The proofs of own items cannot be kept.
    #[error(transparent)]
    Proofs(#[from] crate::follow::proofs::ProofsError),
    /// The history cannot be pruned.
    #[error(transparent)]
    Prune(#[from] chipledger_ledger::store::PruneError),
    /// The network does not start.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] NotStarted),
    /// The HTTP address is taken or not ours. Change `api.listen`.
    #[error("cannot listen on {address}: {source}")]
    Api {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Evidence cannot be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The guard of the key that votes cannot be written; the log says why. Make room or repair the
    /// disk that it lies on, then start again: nothing was signed that it does not know.
    #[error("the guard of the key that votes cannot be written")]
    GuardNotWritten,
    /// Consensus met something fatal.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The engine stopped by itself: it found its log damaged, or an invariant broken. Do not
    /// restart it without looking: read the log above; `reset-wal` if the write-ahead log is
    /// damaged, and keep the guard.
    #[error("the consensus engine stopped; read the log before starting again")]
    EngineStopped,
}

/// Puts another network in the place of the node's.
#[doc(hidden)]
pub type NetworkHook = Box<
    dyn FnOnce(NetworkRef<LedgerContext>, Option<SharedGuard>) -> NetworkRef<LedgerContext> + Send,
>;

/// What a test may put in place of the real thing.
#[doc(hidden)]
#[derive(Default)]
pub struct Hooks {
    /// Stands between the engine and the network: a traitor's proxy.
    pub network: Option<NetworkHook>,
    /// Breaks execution.
    pub sabotage: Option<Sabotage>,
}

/// A running node.
pub struct Node {
    /// For whoever asks: the API, tests.
    pub handle: NodeHandle,
    /// The HTTP API.
    pub api: Server,
    tasks: JoinSet<Result<(), NodeError>>,
    engine: EngineHandle,
    snapshots: Snapshots,
    _lock: DirLock,
}

/// What the API and tests hold of a node. Cheap to clone.
#[derive(Clone)]
pub struct NodeHandle {
    /// Whose node it is.
    pub member: MemberId,
    /// The ledger.
    pub store: Store,
    /// What waits for a block.
    pub mempool: Mempool,
    /// The network.
    pub network: NetworkHandle,
    /// Where consensus stands.
    pub progress: watch::Receiver<Progress>,
    /// Which validators are within reach.
    pub reach: watch::Receiver<Reach>,
    /// Blocks as they are committed.
    pub committed: broadcast::Sender<Committed>,
    /// The last committed height.
    pub heights: watch::Receiver<Height>,
    /// Gossips what was submitted here.
    pub outgoing: mpsc::Sender<Arc<VerifiedTransaction>>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Node {
    /// Starts a node.
    ///
    /// # Errors
    /// Why it does not start; nothing was changed on the ledger.
    pub async fn start(config: Config) -> Result<Self, NodeError> {
        Box::pin(Self::start_with(config, Hooks::default())).await
    }

    /// Starts a node with hooks.
    #[doc(hidden)]
    pub async fn start_with(config: Config, hooks: Hooks) -> Result<Self, NodeError> {
        let ground = Ground::open(&config, hooks.sabotage).await?;
        let clerk = config.evidence_key(&ground.peer.member)?;
        let network = ground.connect(&config, hooks.network).await?;
        let undecided = open_undecided(&config)?;
        let (channels, engine) = ground.start_engine(&config, &network).await?;
        let (wired, evidence) = ground.wire(&config, undecided, network, channels)?;
        let handle = wired.handle.clone();
        let snapshots = Snapshots::new(ground.store.clone(), &config, handle.metrics.clone());
        let reporter = Reporter::open(handle.clone(), config.evidence_dir(), clerk)?;
        let mut tasks = wired.spawn(&config, ground.guard, ground.membership);
        tasks.spawn(async move { Ok(reporter.run(evidence).await?) });
        let keeping = snapshots.clone().run(handle.heights.clone());
        tasks.spawn(async move {
            keeping.await;
            Ok(())
        });
        let address = config.api.listen;
        let context = ApiContext {
            store: ground.store,
            desk: Arc::new(handle.clone()),
            limits: Limits::default(),
        };
        let api = crate::api::serve(address, context)
            .await
            .map_err(|source| NodeError::Api { address, source })?;
        Ok(Self {
            handle,
            api,
            tasks,
            engine,
            snapshots,
            _lock: ground.lock,
        })
    }

    /// Waits until something fatal happens.
    pub async fn failed(&mut self) -> NodeError {
        tokio::select! {
            ended = self.tasks.join_next() => match ended {
                Some(Ok(Err(error))) => error,
                // A task that ends or panics without an error left the engine alone.
                _ => NodeError::EngineStopped,
            },
            _ = &mut self.engine.handle => NodeError::EngineStopped,
        }
    }

    /// Stops: no new messages, everything decided is on disk already. What does not end in time is
    /// left to the end of the process, for which nothing that is on disk needs to wait.
    pub async fn shutdown(self) {
        let (network, engine) = (self.handle.network.clone(), self.engine.actor);
        let mut tasks = self.tasks;
        let stopping = async {
            let peers = async {
                // First the engine: without its network it would complain loudly.
                let _ = engine.kill_and_wait(None).await;
                network.shutdown().await;
            };
            tokio::join!(self.api.shutdown(), peers);
            tasks.shutdown().await;
        };
        if tokio::time::timeout(STOP_MAX, stopping).await.is_err() {
            tracing::warn!("not everything ended in time; the process ends all the same");
        }
        self.snapshots.at_stop().await;
    }
}

/// Reads the genesis document that the configuration names, and compares its hash.
pub fn read_genesis(config: &Config) -> Result<Genesis, NodeError> {
    let failed = |reason: String| NodeError::Genesis {
        path: config.genesis.clone(),
        reason,
    };
    let text =
        std::fs::read_to_string(&config.genesis).map_err(|error| failed(error.to_string()))?;
    let genesis: Genesis =
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    genesis.check().map_err(|error| failed(error.to_string()))?;
    let got = genesis.hash();
    match config.genesis_hash {
        Some(expected) if expected != got => Err(NodeError::OtherGenesis { got, expected }),
        _ => Ok(genesis),
    }
}

/// Takes in what peers send.
async fn take_inputs(
    node: NodeHandle,
    guard: Option<SharedGuard>,
    records: Records,
    mut inputs: mpsc::Receiver<Input>,
) -> Result<(), NodeError> {
    while let Some(input) = inputs.recv().await {
        match input {
            Input::Transactions { from, bytes } => {
                let (store, mempool) = (node.store.clone(), node.mempool.clone());
                // One batch at a time: a flood waits in the network, which bounds it.
                let refused =
                    tokio::task::spawn_blocking(move || take_in(&store, &mempool, from, &bytes))
                        .await;
                node.metrics.gossip_refused(refused.unwrap_or(0));
            }
            Input::Request {
                member,
                request,
                reply,
                ..
            } => match request.kind {
                RequestKind::GuardStatus => {
                    let status = status::answer(&node, guard.as_ref(), &request.body);
                    reply
                        .send(status.map_or(Response::Refused(Refusal::NotFound), Response::Found));
                }
                _ => records.answer(member, request, reply),
            },
            Input::PeerConnected(_) | Input::PeerDisconnected(_) => {}
        }
    }
    Ok(())
}

/// Keeps the allow-list and the reach of validators in step with the ledger and the connections.
async fn look_after(
    node: NodeHandle,
    membership: Membership,
    reach_now: watch::Sender<Reach>,
) -> Result<(), NodeError> {
    let mut interval = tokio::time::interval(LOOK);
    let mut admitted_at = None;
    loop {
        interval.tick().await;
        let height = node.progress.borrow().height;
        if admitted_at != Some(height) {
            admitted_at = Some(height);
            let caught_up = reach_now.borrow().is_quorum && height.0 > 0;
            node.network.admit(membership.admitted(caught_up)?);
        }
        let peers = node.network.peers();
        let claims: Vec<_> = (peers.into_iter())
            .map(|peer| (peer.member, peer.height))
            .collect();
        let now = reach(&node.store, &node.member, &claims)?;
        reach_now.send_if_modified(|before| {
            let changed = *before != now;
            if changed && before.is_quorum && !now.is_quorum {
                let (power, total, missing) = (now.power, now.total, &now.missing);
                tracing::warn!(
                    power,
                    total,
                    ?missing,
                    "no quorum: blocks wait for validators"
                );
            }
            if changed && !before.is_quorum && now.is_quorum {
                tracing::info!(
                    power = now.power,
                    total = now.total,
                    "a quorum of validators is within reach"
                );
            }
            *before = now;
            changed
        });
    }
}
