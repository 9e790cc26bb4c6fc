//! Starting the engine with the settings that fit the ledger.

use std::path::PathBuf;
use std::time::Duration;

use arc_malachitebft_app_channel::app::config::{ConsensusConfig, NodeConfig, ValueSyncConfig};
use arc_malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkMsg, RequestContext,
    SyncContext, WalContext,
};
use arc_malachitebft_engine::network::NetworkRef;
use chipledger_schemas::ids::{GenesisHash, MemberId};
use tokio::sync::mpsc;

use super::codec::Wire;
use super::context::{LedgerContext, Seat};
use super::signing::{GuardedSigner, SharedGuard, StrictVerifier};

/// Requests to the engine that may wait.
const REQUESTS_MAX: usize = 100;

/// The engine did not start. Check the write-ahead log (`reset-wal` moves a damaged one away) and
/// the data directory.
#[derive(Debug, thiserror::Error)]
#[error("the consensus engine did not start: {reason}")]
pub struct NotStarted {
    /// Why.
    pub reason: String,
}

/// What the engine starts with.
pub struct Start {
    /// Names the node in metrics.
    pub name: String,
    /// Whose node it is.
    pub member: MemberId,
    /// The ledger.
    pub genesis: GenesisHash,
    /// The key that votes; absent for an observer.
    pub guard: Option<SharedGuard>,
    /// The engine's write-ahead log.
    pub wal: PathBuf,
    /// The network.
    pub network: NetworkRef<LedgerContext>,
    /// The node's way to publish parts.
    pub parts: mpsc::Sender<NetworkMsg<LedgerContext>>,
}

struct Settings {
    name: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl NodeConfig for Settings {
    fn moniker(&self) -> &str {
        &self.name
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

impl Start {
    /// Starts the engine.
    ///
    /// # Errors
    /// When one of its actors does not start.
    pub async fn start(self) -> Result<(Channels<LedgerContext>, EngineHandle), NotStarted> {
        let settings = Settings {
            name: self.name,
            consensus: ConsensusConfig {
                // Room for the heights that others may be ahead by while this node catches up.
                queue_capacity: 32,
                queue_per_height_capacity: 500,
                ..ConsensusConfig::default()
            },
            sync: ValueSyncConfig {
                // Shorter than the queue of future heights takes to fill at five blocks a second.
                status_update_interval: Duration::from_secs(2),
                batch_size: 20,
                ..ValueSyncConfig::default()
            },
        };
        let verifier = Box::new(StrictVerifier {
            genesis: self.genesis,
        });
        let seat = Seat(self.member);
        // A node without a key has a signer, too: its member may have a seat that another of its
        // nodes votes with, or get one, and the engine takes a seat without a signer for a bug.
        let (genesis, guard) = (self.genesis, self.guard);
        let signer = Box::new(GuardedSigner { genesis, guard });
        let consensus = ConsensusContext::new_validator(seat, verifier, signer);
        let engine = EngineBuilder::new(LedgerContext, settings)
            .with_default_wal(WalContext::new(self.wal, Wire))
            .with_custom_network(self.network, self.parts)
            .with_default_sync(SyncContext::new(Wire))
            .with_default_consensus(consensus)
            .with_default_request(RequestContext::new(REQUESTS_MAX));
        engine.build().await.map_err(|error| NotStarted {
            reason: error.to_string(),
        })
    }
}
