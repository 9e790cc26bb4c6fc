//! The parts of a start, in the order in which a node needs them: its ground, its connections, the
//! engine, the wires between its tasks, and the tasks.

use std::sync::Arc;

use arc_malachitebft_app_channel::{Channels, EngineHandle};
use arc_malachitebft_metrics::SharedRegistry;
use chipledger_ledger::chain::Sabotage;
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use super::{NetworkHook, NodeError, NodeHandle, look_after, read_genesis, take_inputs};
use crate::config::Config;
use crate::consensus::app::App;
use crate::consensus::candidates::{Candidates, now};
use crate::consensus::codec::Wire;
use crate::consensus::context::LedgerContext;
use crate::consensus::engine::{NotStarted, Start};
use crate::consensus::evidence::Equivocation;
use crate::consensus::progress::Progress;
use crate::consensus::signing::SharedGuard;
use crate::consensus::undecided::Undecided;
use crate::consensus::witness::Witness;
use crate::gossip::Outgoing;
use crate::guard::Guard;
use crate::keys::{MemberKey, Purpose};
use crate::lock::{DirLock, LockError};
use crate::membership::{Membership, Reach, reach};
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use crate::network::{Input, Network, Started, peer_keypair};
use crate::pruning::Pruning;
use crate::serve::Records;
use crate::status;

/// Submissions that may wait to be gossiped.
const OUTGOING_MAX: usize = 50_000;
/// Blocks that a slow listener may be behind before it misses some.
const COMMITTED_MAX: usize = 1_024;

/// What a node stands on before it meets peers.
pub(super) struct Ground {
    pub lock: DirLock,
    pub peer: MemberKey,
    pub guard: Option<SharedGuard>,
    pub store: Store,
    pub membership: Membership,
    registry: SharedRegistry,
    metrics: Metrics,
}

impl Ground {
    /// Takes the data directory, reads keys, and opens the ledger, or begins one.
    pub(super) async fn open(
        config: &Config,
        sabotage: Option<Sabotage>,
    ) -> Result<Self, NodeError> {
        let lock = DirLock::take(&config.data)?;
        let peer = MemberKey::load(&config.peer_key, Purpose::Peer)?;
        let guard = open_guard(config)?;
        crate::snapshots::begin(config, &read_genesis(config)?, &peer).await?;
        let store = open_store(config)?;
        let store = match sabotage {
            Some(sabotage) => store.with_sabotage(sabotage),
            None => store,
        };
        let membership = Membership {
            store: store.clone(),
            bootstrap: config.bootstrap_peers.clone(),
            own: peer.key.public(),
        };
        let registry = SharedRegistry::global().with_moniker(peer.member.as_str());
        let metrics = Metrics::registered(&registry, guard.clone());
        Ok(Self {
            lock,
            peer,
            guard,
            store,
            membership,
            registry,
            metrics,
        })
    }

    /// Listens and dials; what stands between the engine and the network is put there.
    pub(super) async fn connect(
        &self,
        config: &Config,
        hook: Option<NetworkHook>,
    ) -> Result<Started<LedgerContext>, NodeError> {
        let mut secret = [0; 32];
        // The seed in the form that the transport takes; wiped by it.
        let _ = hex::decode_to_slice(self.peer.key.to_hex().as_bytes(), &mut secret);
        let keypair = peer_keypair(&mut secret).ok_or(NotStarted {
            reason: "the peer key is none".to_owned(),
        })?;
        let started = Network::start(
            config.network.clone(),
            keypair,
            self.store.genesis_hash(),
            Wire,
            self.membership.admitted(false)?,
            &self.registry,
        )
        .await?;
        Ok(match hook {
            Some(wrap) => Started {
                actor: wrap(started.actor, self.guard.clone()),
                ..started
            },
            None => started,
        })
    }

    /// Starts the engine on the network.
    pub(super) async fn start_engine(
        &self,
        config: &Config,
        network: &Started<LedgerContext>,
    ) -> Result<(Channels<LedgerContext>, EngineHandle), NodeError> {
        let start = Start {
            name: self.peer.member.to_string(),
            member: self.peer.member.clone(),
            genesis: self.store.genesis_hash(),
            guard: self.guard.clone(),
            wal: config.wal_path(),
            network: network.actor.clone(),
            parts: network.tx_network.clone(),
        };
        Ok(start.start().await?)
    }

    /// Makes what the tasks share and the channels between them; where evidence arrives is apart.
    pub(super) fn wire(
        &self,
        config: &Config,
        undecided: Undecided,
        network: Started<LedgerContext>,
        channels: Channels<LedgerContext>,
    ) -> Result<(Wired, mpsc::Receiver<Equivocation>), NodeError> {
        let (store, member) = (self.store.clone(), self.peer.member.clone());
        let mempool = Mempool::new(config.mempool, store.head().header.time);
        let (committed, _) = broadcast::channel(COMMITTED_MAX);
        let (progress, progress_now) = watch::channel(progress_of(&store));
        let (reach_now, reach_seen) = watch::channel(reach(&store, &member, &[])?);
        let (heights, heights_now) = watch::channel(store.head().header.height);
        let (evidence, evidence_found) = mpsc::channel(64);
        let (outgoing, submitted) = mpsc::channel(OUTGOING_MAX);
        let app = App {
            store: store.clone(),
            mempool: mempool.clone(),
            candidates: Candidates::new(store.clone(), mempool.clone(), undecided),
            guard: self.guard.clone(),
            member: member.clone(),
            pace: config.consensus,
            network: network.tx_network,
            committed: committed.clone(),
            progress,
            heights,
            evidence,
            reach: reach_seen.clone(),
            metrics: self.metrics.clone(),
        };
        let handle = NodeHandle {
            member,
            store,
            mempool,
            network: network.handle,
            progress: progress_now,
            reach: reach_seen,
            committed,
            heights: heights_now,
            outgoing,
            metrics: self.metrics.clone(),
        };
        let wired = Wired {
            handle,
            app,
            channels,
            inputs: network.inputs,
            submitted,
            reach: reach_now,
        };
        Ok((wired, evidence_found))
    }
}

/// The tasks of a node before they run.
pub(super) struct Wired {
    pub handle: NodeHandle,
    app: App,
    channels: Channels<LedgerContext>,
    inputs: mpsc::Receiver<Input>,
    submitted: mpsc::Receiver<Arc<VerifiedTransaction>>,
    reach: watch::Sender<Reach>,
}

impl Wired {
    /// Runs them.
    pub(super) fn spawn(
        self,
        config: &Config,
        guard: Option<SharedGuard>,
        membership: Membership,
    ) -> JoinSet<Result<(), NodeError>> {
        let Self {
            handle,
            app,
            channels,
            inputs,
            submitted,
            reach,
        } = self;
        let store = handle.store.clone();
        let mut tasks = JoinSet::new();
        let events = channels.events.subscribe();
        let witness = Witness::default().run(store.clone(), events, app.evidence.clone());
        tasks.spawn(async move {
            witness.await;
            Ok(())
        });
        tasks.spawn(async move { app.run(channels).await.map_err(NodeError::from) });
        let (mempool, network) = (handle.mempool.clone(), handle.network.clone());
        let gossip = Outgoing { submitted, mempool };
        tasks.spawn(async move {
            gossip.run(network).await;
            Ok(())
        });
        let records = Records::new(store.clone(), config.snapshots_dir());
        tasks.spawn(take_inputs(handle.clone(), guard.clone(), records, inputs));
        let pruning = Pruning::new(store, config).run(handle.heights.clone());
        tasks.spawn(async move { pruning.await.map_err(NodeError::from) });
        if let Some(guard) = guard {
            let broken = guard.clone().broken();
            tasks.spawn(async move {
                broken.await;
                Err(NodeError::GuardNotWritten)
            });
            // It ends once a safe height is known, which is at once for a whole guard.
            tokio::spawn(status::recover(handle.clone(), guard));
        }
        tasks.spawn(look_after(handle, membership, reach));
        tasks
    }
}

/// Opens the blocks that were not decided when the node stopped.
pub(super) fn open_undecided(config: &Config) -> Result<Undecided, NodeError> {
    std::fs::create_dir_all(config.consensus_dir()).map_err(|source| LockError::Io {
        dir: config.consensus_dir(),
        source,
    })?;
    Ok(Undecided::open(&config.consensus_dir().join("undecided"))?)
}

fn open_guard(config: &Config) -> Result<Option<SharedGuard>, NodeError> {
    let Some(validator) = &config.validator else {
        return Ok(None);
    };
    let key = MemberKey::load(&validator.key, Purpose::Validator)?;
    let guard = Guard::open(key, &Config::guard_path(validator))?;
    Ok(Some(SharedGuard::new(guard)))
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
