//! All protocols of one node, put together.

use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, StreamProtocol, connection_limits, identify, ping};

use super::NetworkError;
use super::admission::Admitted;
use super::config::Limits;
use super::full_only::FullOnly;
use super::gate::Gate;
use super::records;
use super::topics::{self, Gossip, Names};

/// What carries blocks and transactions: for full peers only.
#[derive(NetworkBehaviour)]
pub(super) struct Consensus {
    pub(super) gossip: Gossip,
    pub(super) sync: arc_malachitebft_sync::Behaviour,
}

impl Consensus {
    pub(super) fn new(
        keypair: &Keypair,
        names: &Names,
        limits: &Limits,
    ) -> Result<Self, NetworkError> {
        Ok(Self {
            gossip: topics::gossip(keypair, names, limits)?,
            sync: sync(names, limits)?,
        })
    }
}

/// Everything. The gate comes first: what it refuses, no other behaviour sees.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) gate: Gate,
    pub(super) limits: connection_limits::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) records: request_response::Behaviour<records::Codec>,
    pub(super) full: FullOnly<Consensus>,
}

impl Behaviour {
    pub(super) fn new(
        keypair: &Keypair,
        names: &Names,
        limits: &Limits,
        admitted: &Admitted,
    ) -> Result<Self, NetworkError> {
        let local: PeerId = keypair.public().to_peer_id();
        let consensus = Consensus::new(keypair, names, limits)?;
        let interval = Duration::from_millis(limits.ping_interval_ms);
        let ping = ping::Config::new()
            .with_interval(interval)
            .with_timeout(interval);
        Ok(Self {
            gate: Gate::new(limits, admitted),
            limits: connection_limits::Behaviour::new(connection_limits(limits)),
            identify: identify::Behaviour::new(identity(keypair, names)),
            ping: ping::Behaviour::new(ping),
            records: records(names, limits)?,
            full: FullOnly::new(consensus, local, admitted),
        })
    }
}

/// What this node says of itself to admitted peers.
fn identity(keypair: &Keypair, names: &Names) -> identify::Config {
    let agent = concat!("chipledger/", env!("CARGO_PKG_VERSION"));
    identify::Config::new(names.protocol("1"), keypair.public())
        .with_agent_version(agent.to_owned())
        // Addresses come from the ledger and the configuration, never from what peers tell.
        .with_hide_listen_addrs(true)
        .with_cache_size(0)
}

fn connection_limits(limits: &Limits) -> connection_limits::ConnectionLimits {
    connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.pending_inbound))
        .with_max_established(Some(limits.connections))
        .with_max_established_per_peer(Some(limits.connections_per_peer))
}

fn sync(names: &Names, limits: &Limits) -> Result<arc_malachitebft_sync::Behaviour, NetworkError> {
    let config = arc_malachitebft_sync::Config::default()
        .with_max_request_size(limits.request_bytes_max)
        .with_max_response_size(limits.response_bytes_max)
        .with_request_timeout(Duration::from_millis(limits.request_timeout_ms));
    arc_malachitebft_sync::Behaviour::new(config, names.protocol("sync/1"))
        .map_err(|_| NetworkError::Gossip("sync protocol name"))
}

fn records(
    names: &Names,
    limits: &Limits,
) -> Result<request_response::Behaviour<records::Codec>, NetworkError> {
    let protocol = StreamProtocol::try_from_owned(names.protocol("records/1"))
        .map_err(|_| NetworkError::Gossip("records protocol name"))?;
    let codec = records::Codec {
        request_bytes_max: limits.request_bytes_max,
        response_bytes_max: limits.response_bytes_max,
    };
    let config = request_response::Config::default()
        .with_request_timeout(Duration::from_millis(limits.request_timeout_ms))
        .with_max_concurrent_streams(limits.requests_in_flight * 2);
    let protocols = [(protocol, ProtocolSupport::Full)];
    Ok(request_response::Behaviour::with_codec(
        codec, protocols, config,
    ))
}
