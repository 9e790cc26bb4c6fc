//! The network: validators and observers, and nobody else.
//!
//! One libp2p swarm per node. A connection is let in only if the key that its handshake proved
//! belongs to a member's peer on the ledger ([`Admitted`]); a stranger is refused before it can
//! open a stream. Peers that see everything ([`View::Full`]) gossip consensus messages and
//! transactions and sync blocks; observers of other members ([`View::Own`]) have the records
//! protocol and nothing else.
//!
//! ```text
//! engine <-> actor (messages <-> bytes) <-> driver (owns the swarm) <-> peers
//! node   <-> NetworkHandle, Input        <-> driver
//! ```
//!
//! Why not the engine's own network actor: docs/decisions/007-own-network-actor.md.

mod actor;
pub mod admission;
mod behaviour;
mod bucket;
mod command;
mod conduct;
pub mod config;
mod driver;
mod full_only;
mod gate;
pub mod handle;
mod held;
mod listen;
mod meter;
mod metrics;
pub mod records;
mod redial;
#[cfg(test)]
mod tests;
mod topics;
mod transport;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arc_malachitebft_app_channel::NetworkMsg;
use arc_malachitebft_core_types::Context;
use arc_malachitebft_engine::consensus::ConsensusCodec;
use arc_malachitebft_engine::network::{Msg, NetworkRef};
use arc_malachitebft_engine::sync::SyncCodec;
use arc_malachitebft_metrics::SharedRegistry;
use arc_malachitebft_network::Event;
use chipledger_schemas::ids::GenesisHash;
use libp2p::identity::Keypair;
use libp2p::swarm::{self, Swarm};
use libp2p::{Multiaddr, PeerId};
use ractor::Actor as _;
use tokio::sync::{mpsc, watch};

use self::actor::NetworkActor;
pub use self::admission::{Admitted, AdmittedPeer, View, peer_id_of, peer_keypair};
use self::behaviour::Behaviour;
pub use self::config::{ConfigError, Limits, NetworkConfig};
use self::driver::{Driver, EnginePort, Orders, Parts};
pub use self::handle::{Direction, Input, NetworkHandle, PeerStatus, Reply, RequestError};
use self::handle::{Snapshot, Wires};
use self::meter::Meters;
use self::metrics::Metrics;
pub use self::records::{Refusal, Request, RequestKind, Response};
use self::topics::Names;

/// Orders that may wait for the driver.
const COMMANDS_MAX: usize = 1_024;
/// Transaction messages that may wait to be gossiped.
const TRANSACTIONS_MAX: usize = 256;
/// Inputs that may wait for the node.
const INPUTS_MAX: usize = 1_024;

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A setting cannot work; the source names it.
    #[error("the [network] section is not usable")]
    Config(#[from] ConfigError),
    /// The address is taken or not ours. Stop the other program, or change `network.listen`.
    #[error("cannot listen on {address}: free the port or change network.listen")]
    Bind {
        /// The address as configured.
        address: Multiaddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The peer key cannot be used for encryption. Make a new one with `keygen`.
    #[error("the peer key cannot be used for encryption")]
    Key(#[from] libp2p::noise::Error),
    /// A name or setting of a protocol was refused by the library: a defect, report it.
    #[error("the protocol library refused our {0}")]
    Gossip(&'static str),
    /// The engine's side could not be started: a defect, report it.
    #[error("the network actor did not start")]
    Actor(#[from] ractor::SpawnErr),
}

/// The network of a node; see the module.
#[derive(Clone, Copy, Debug)]
pub struct Network;

/// A running network.
pub struct Started<Ctx: Context> {
    /// For `EngineBuilder::with_custom_network`.
    pub actor: NetworkRef<Ctx>,
    /// For `EngineBuilder::with_custom_network`: the node's way to publish proposal parts.
    pub tx_network: mpsc::Sender<NetworkMsg<Ctx>>,
    /// For everything else.
    pub handle: NetworkHandle,
    /// What peers send to the node. Take it promptly: when it is full, transactions are dropped
    /// and requests refused.
    pub inputs: mpsc::Receiver<Input>,
}

impl Network {
    /// Listens, and dials the admitted peers from then on.
    ///
    /// `keypair` is the peer key ([`peer_keypair`]), `chain` the hash of the genesis that all
    /// protocol names carry. Stop with [`NetworkHandle::shutdown`].
    pub async fn start<Ctx, Codec>(
        config: NetworkConfig,
        keypair: Keypair,
        chain: GenesisHash,
        codec: Codec,
        admitted: Admitted,
        registry: &SharedRegistry,
    ) -> Result<Started<Ctx>, NetworkError>
    where
        Ctx: Context,
        Codec: ConsensusCodec<Ctx> + SyncCodec<Ctx>,
    {
        let local = keypair.public().to_peer_id();
        let prepared = Prepared::new(config, keypair, chain, admitted, registry).await?;
        let backlog = Arc::new(AtomicUsize::new(0));
        let commands = prepared.handle.wires.commands.clone();
        let meters = prepared.handle.wires.meters.clone();
        let backlog_of = backlog.clone();
        let actor = NetworkActor::<Ctx, Codec>::new(codec, local, commands, backlog_of, meters);
        let (actor, _running) = NetworkActor::spawn(None, actor, ()).await?;
        let target = actor.clone();
        let send = Arc::new(move |event: Event| {
            // The actor has stopped; the driver is about to.
            let _stopped = target.cast(Msg::NewEvent(event));
        });
        let (handle, inputs) = prepared.run(EnginePort { send, backlog });
        let tx_network = parts_sender(actor.clone());
        Ok(Started {
            actor,
            tx_network,
            handle,
            inputs,
        })
    }
}

impl Network {
    /// As [`Self::start`], for a node that runs no consensus engine (yet). Give a list with this
    /// node itself as a narrow peer ([`Admitted::with_narrow`]), now and later: then it has the
    /// records protocol and takes no part in gossip and block sync, whatever its member may see.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_without_engine(
        config: NetworkConfig,
        keypair: Keypair,
        chain: GenesisHash,
        admitted: Admitted,
        registry: &SharedRegistry,
    ) -> Result<(NetworkHandle, mpsc::Receiver<Input>), NetworkError> {
        let prepared = Prepared::new(config, keypair, chain, admitted, registry).await?;
        let backlog = Arc::new(AtomicUsize::new(0));
        let handled = backlog.clone();
        let send = Arc::new(move |event: Event| {
            handled.fetch_sub(driver::cost(&event), std::sync::atomic::Ordering::Relaxed);
        });
        Ok(prepared.run(EnginePort { send, backlog }))
    }
}

/// The node's channel for proposal parts, forwarded to the actor.
fn parts_sender<Ctx: Context>(actor: NetworkRef<Ctx>) -> mpsc::Sender<NetworkMsg<Ctx>> {
    let (sender, mut receiver) = mpsc::channel::<NetworkMsg<Ctx>>(16);
    tokio::spawn(async move {
        while let Some(message) = receiver.recv().await {
            if actor.cast(message.into()).is_err() {
                break;
            }
        }
    });
    sender
}

/// A network that listens and is not yet driven.
struct Prepared {
    swarm: Swarm<Behaviour>,
    config: NetworkConfig,
    names: Names,
    listening: Vec<Multiaddr>,
    handle: NetworkHandle,
    snapshot: watch::Sender<Snapshot>,
    orders: Orders,
}

impl Prepared {
    async fn new(
        config: NetworkConfig,
        keypair: Keypair,
        chain: GenesisHash,
        admitted: Admitted,
        registry: &SharedRegistry,
    ) -> Result<Self, NetworkError> {
        config.check()?;
        let local: PeerId = keypair.public().to_peer_id();
        let names = Names::new(&chain);
        let limits = &config.limits;
        let meters = Meters::new(limits.inbound_bytes_per_second);
        meters.keep(admitted.0.keys().copied());
        let mut swarm = Swarm::new(
            transport::build(&keypair, limits, meters.clone())?,
            Behaviour::new(&keypair, &names, limits, &admitted)?,
            local,
            // Whether a peer lives is found out by pings, not by idleness.
            swarm::Config::with_tokio_executor()
                .with_idle_connection_timeout(Duration::from_hours(24 * 365))
                .with_max_negotiating_inbound_streams(32),
        );
        let listening = listen::listen(&mut swarm, &config.listen).await?;
        let (commands, commands_receiver) = mpsc::channel(COMMANDS_MAX);
        let (transactions, transactions_receiver) = mpsc::channel(TRANSACTIONS_MAX);
        let (admitted, admitted_receiver) = watch::channel(admitted);
        let first = Snapshot {
            peers: Vec::new(),
            listening: listening.clone(),
        };
        let (snapshot, snapshot_receiver) = watch::channel(first);
        let wires = Wires {
            commands,
            transactions,
            admitted: Arc::new(admitted),
            snapshot: snapshot_receiver,
            metrics: Metrics::registered(registry),
            meters,
            transactions_bytes_max: limits.transactions_bytes_max,
            request_bytes_max: limits.request_bytes_max,
        };
        let orders = Orders {
            commands: commands_receiver,
            transactions: transactions_receiver,
            admitted: admitted_receiver,
        };
        let handle = NetworkHandle { local, wires };
        Ok(Self {
            swarm,
            config,
            names,
            listening,
            handle,
            snapshot,
            orders,
        })
    }

    /// Starts the driver's task.
    fn run(self, engine: EnginePort) -> (NetworkHandle, mpsc::Receiver<Input>) {
        let (inputs, inputs_receiver) = mpsc::channel(INPUTS_MAX);
        let wires = &self.handle.wires;
        let driver = Driver::new(Parts {
            swarm: self.swarm,
            config: self.config,
            names: self.names,
            meters: wires.meters.clone(),
            metrics: wires.metrics.clone(),
            engine,
            inputs,
            snapshot: self.snapshot,
            listening: self.listening,
        });
        tokio::spawn(driver.run(self.orders));
        (self.handle, inputs_receiver)
    }
}
