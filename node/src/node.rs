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

use arc_malachitebft_engine::network::NetworkRef;
use arc_malachitebft_metrics::SharedRegistry;
use chipledger_ledger::chain::Sabotage;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{GenesisHash, Height, MemberId};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::api::{ApiContext, Limits, Server};
use crate::config::Config;
use crate::consensus::app::App;
use crate::consensus::candidates::{Candidates, Fatal, now};
use crate::consensus::codec::Wire;
use crate::consensus::context::LedgerContext;
use crate::consensus::engine::{NotStarted, Start};
use crate::consensus::progress::{Committed, Progress};
use crate::consensus::signing::SharedGuard;
use crate::consensus::undecided::{Undecided, UndecidedError};
use crate::consensus::witness::Witness;
use crate::evidence::{EvidenceError, Reporter};
use crate::gossip::{Outgoing, take_in};
use crate::guard::{Guard, GuardError};
use crate::keys::{KeyError, MemberKey, Purpose};
use crate::lock::{DirLock, LockError};
use crate::membership::{Membership, Reach, reach};
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use crate::network::{
    Input, Network, NetworkError, NetworkHandle, Refusal, RequestKind, Response, Started,
    peer_keypair,
};
use crate::pruning::Pruning;
use crate::serve::Records;
use crate::snapshots::Snapshots;
use crate::status;

mod advice;

/// Submissions that may wait to be gossiped.
const OUTGOING_MAX: usize = 50_000;
/// Blocks that a slow listener may be behind before it misses some.
const COMMITTED_MAX: usize = 1_024;
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

/// What a test may put in place of the real thing.
#[doc(hidden)]
#[derive(Default)]
pub struct Hooks {
    /// Stands between the engine and the network: a traitor's proxy.
    pub network: Option<
        Box<
            dyn FnOnce(NetworkRef<LedgerContext>, Option<SharedGuard>) -> NetworkRef<LedgerContext>
                + Send,
        >,
    >,
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
    engine: arc_malachitebft_app_channel::EngineHandle,
    stop: watch::Sender<bool>,
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
    #[allow(
        clippy::too_many_lines,
        reason = "the wiring of all tasks, on one page"
    )]
    pub async fn start_with(config: Config, hooks: Hooks) -> Result<Self, NodeError> {
        let lock = DirLock::take(&config.data)?;
        let peer = MemberKey::load(&config.peer_key, Purpose::Peer)?;
        let guard = open_guard(&config)?;
        crate::snapshots::begin(&config, &read_genesis(&config)?, &peer).await?;
        let store = open_store(&config)?;
        let store = match hooks.sabotage {
            Some(sabotage) => store.with_sabotage(sabotage),
            None => store,
        };
        let head = store.head();
        let mempool = Mempool::new(config.mempool, head.header.time);
        let membership = Membership {
            store: store.clone(),
            bootstrap: config.bootstrap_peers.clone(),
            own: peer.key.public(),
        };
        let registry = SharedRegistry::global().with_moniker(peer.member.as_str());
        let metrics = Metrics::registered(&registry, guard.clone());
        let clerk = config.evidence_key(&peer.member)?;
        let mut secret = [0; 32];
        // The seed in the form that the transport takes; wiped by it.
        let _ = hex::decode_to_slice(peer.key.to_hex().as_bytes(), &mut secret);
        let keypair = peer_keypair(&mut secret).ok_or(NotStarted {
            reason: "the peer key is none".to_owned(),
        })?;
        let Started {
            actor,
            tx_network,
            handle: network,
            inputs,
        } = Network::start(
            config.network.clone(),
            keypair,
            store.genesis_hash(),
            Wire,
            membership.admitted(false)?,
            &registry,
        )
        .await?;
        let actor = match hooks.network {
            Some(wrap) => wrap(actor, guard.clone()),
            None => actor,
        };
        std::fs::create_dir_all(config.consensus_dir()).map_err(|source| LockError::Io {
            dir: config.consensus_dir(),
            source,
        })?;
        let undecided = Undecided::open(&config.consensus_dir().join("undecided"))?;
        let start = Start {
            name: peer.member.to_string(),
            member: peer.member.clone(),
            genesis: store.genesis_hash(),
            guard: guard.clone(),
            wal: config.wal_path(),
            network: actor,
            parts: tx_network.clone(),
        };
        let (channels, engine) = start.start().await?;

        let (committed, _) = broadcast::channel(COMMITTED_MAX);
        let (progress, progress_now) = watch::channel(progress_of(&store));
        let (reach_now, reach_seen) = watch::channel(reach(&store, &peer.member, &[])?);
        let (heights, heights_now) = watch::channel(store.head().header.height);
        let (evidence, evidence_found) = mpsc::channel(64);
        let (outgoing, submitted) = mpsc::channel(OUTGOING_MAX);
        let (stop, stopped) = watch::channel(false);
        let app = App {
            store: store.clone(),
            mempool: mempool.clone(),
            candidates: Candidates::new(store.clone(), mempool.clone(), undecided),
            guard: guard.clone(),
            member: peer.member.clone(),
            pace: config.consensus,
            network: tx_network,
            committed: committed.clone(),
            progress,
            heights,
            evidence,
            reach: reach_seen.clone(),
            metrics: metrics.clone(),
        };
        let handle = NodeHandle {
            member: peer.member.clone(),
            store: store.clone(),
            mempool: mempool.clone(),
            network: network.clone(),
            progress: progress_now,
            reach: reach_seen,
            committed,
            heights: heights_now,
            outgoing,
            metrics,
        };
        let mut tasks = JoinSet::new();
        let witness = Witness::default().run(
            store.clone(),
            channels.events.subscribe(),
            app.evidence.clone(),
        );
        tasks.spawn(async move {
            witness.await;
            Ok(())
        });
        tasks.spawn(async move { app.run(channels).await.map_err(NodeError::from) });
        let gossip = Outgoing { submitted, mempool };
        tasks.spawn(async move {
            gossip.run(network).await;
            Ok(())
        });
        let records = Records::new(store.clone(), config.snapshots_dir());
        tasks.spawn(take_inputs(handle.clone(), guard.clone(), records, inputs));
        let pruning = Pruning::new(store.clone(), &config).run(handle.heights.clone());
        tasks.spawn(async move { pruning.await.map_err(NodeError::from) });
        let snapshots = Snapshots::new(store.clone(), &config, handle.metrics.clone());
        let keeping = snapshots.clone().run(handle.heights.clone());
        tasks.spawn(async move {
            keeping.await;
            Ok(())
        });
        let reporter = Reporter::open(handle.clone(), config.evidence_dir(), clerk)?;
        tasks.spawn(async move { Ok(reporter.run(evidence_found).await?) });
        if let Some(guard) = guard {
            let broken = guard.clone().broken();
            tasks.spawn(async move {
                broken.await;
                Err(NodeError::GuardNotWritten)
            });
            // It ends once a safe height is known, which is at once for a whole guard.
            tokio::spawn(status::recover(handle.clone(), guard));
        }
        tasks.spawn(look_after(handle.clone(), membership, reach_now));
        let _ = stopped;
        let address = config.api.listen;
        let context = ApiContext {
            store,
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
            stop,
            snapshots,
            _lock: lock,
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
        let _ = self.stop.send(true);
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

fn open_guard(config: &Config) -> Result<Option<SharedGuard>, NodeError> {
    let Some(validator) = &config.validator else {
        return Ok(None);
    };
    let key = MemberKey::load(&validator.key, Purpose::Validator)?;
    let guard = Guard::open(key, &Config::guard_path(validator))?;
    Ok(Some(SharedGuard::new(guard)))
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

fn open_store(config: &Config) -> Result<Store, NodeError> {
    let genesis = read_genesis(config)?;
    let dir = config.ledger_dir();
    if !Store::is_in(&dir) {
        return Ok(Store::create(&dir, &genesis)?);
    }
    let store = Store::open(&dir)?;
    let (got, expected) = (genesis.hash(), store.genesis_hash());
    if got != expected {
        return Err(NodeError::OtherGenesis { got, expected });
    }
    Ok(store)
}

fn progress_of(store: &Store) -> Progress {
    let head = store.head();
    Progress {
        height: head.header.height,
        block: head.hash(),
        state_root: head.header.state_root,
        time: head.header.time,
        protocol: head.header.protocol,
        round: 0,
        proposer: None,
        is_validator: false,
        committed_at: now(),
        syncing: false,
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
