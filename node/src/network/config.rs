//! The `[network]` section of the configuration file.

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};

/// Where to listen, whom to dial, and what a peer may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Addresses to listen on, TCP and QUIC: `/ip4/0.0.0.0/tcp/26656` and
    /// `/ip4/0.0.0.0/udp/26656/quic-v1`. Port 0 takes any free port.
    pub listen: Vec<Multiaddr>,
    /// Addresses of peers, each ending in `/p2p/<peer id>`. They are dialled once the ledger (or
    /// the bootstrap list) admits that peer id; an address alone admits nobody.
    pub peers: Vec<Multiaddr>,
    /// What one peer, and all together, may use.
    pub limits: Limits,
}

/// Bounds on what peers can make this node do. The defaults suit up to 20 validators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Established connections, all peers together.
    pub connections: u32,
    /// Connections to one peer. Two peers that dial each other at once hold two for a while.
    pub connections_per_peer: u32,
    /// Inbound connections from one IPv4 address or one IPv6 /64, half-open ones included.
    pub connections_per_address: u32,
    /// Inbound handshakes running at once.
    pub pending_inbound: u32,
    /// Handshakes that one address may start per second; it may save up ten seconds' worth.
    pub handshakes_per_second_per_address: u64,
    /// A handshake (transport, encryption, multiplexing) must finish within this, and the peer
    /// must have introduced itself within this again. Milliseconds.
    pub handshake_timeout_ms: u64,
    /// Streams of one connection that may be open at once, each direction.
    pub streams_per_connection: usize,
    /// Bytes per second read from one peer, over all its connections; more is slowed down.
    pub inbound_bytes_per_second: u64,
    /// Largest consensus message or proposal part, bytes.
    pub gossip_bytes_max: usize,
    /// Largest message of transaction gossip, bytes.
    pub transactions_bytes_max: usize,
    /// Consensus messages (votes, proposals, parts, statuses) per second taken from one peer.
    pub gossip_messages_per_second: u64,
    /// Transaction messages per second taken from one peer.
    pub transaction_messages_per_second: u64,
    /// Requests (block sync and records protocol) per second taken from one peer.
    pub requests_per_second: u64,
    /// Requests of the records protocol by one peer that may wait for their answers at once.
    pub requests_in_flight: usize,
    /// Largest request of either protocol, bytes.
    pub request_bytes_max: usize,
    /// Largest response of either protocol, bytes. Keep the sync section's
    /// `max_response_size` below it.
    pub response_bytes_max: usize,
    /// A request must be answered within this, reading and writing included. Milliseconds.
    pub request_timeout_ms: u64,
    /// How often a peer is asked for a sign of life; one that gives none in the same time again
    /// is disconnected. Milliseconds.
    pub ping_interval_ms: u64,
    /// How long a peer that broke the limits on and on stays locked out. Milliseconds.
    pub lockout_ms: u64,
    /// Bytes of decoded-but-unhandled gossip kept for the consensus engine; beyond it gossip is
    /// dropped and counted, and the engine's own repetition makes up for it.
    pub backlog_bytes_max: usize,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        let listen = ["/ip4/0.0.0.0/tcp/26656", "/ip4/0.0.0.0/udp/26656/quic-v1"];
        Self {
            listen: listen.iter().filter_map(|text| text.parse().ok()).collect(),
            peers: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 200,
            connections_per_peer: 4,
            connections_per_address: 32,
            pending_inbound: 64,
            handshakes_per_second_per_address: 10,
            handshake_timeout_ms: 10_000,
            streams_per_connection: 128,
            inbound_bytes_per_second: 64 << 20,
            gossip_bytes_max: 4 << 20,
            transactions_bytes_max: 1 << 20,
            gossip_messages_per_second: 5_000,
            transaction_messages_per_second: 1_000,
            requests_per_second: 200,
            requests_in_flight: 16,
            request_bytes_max: 1 << 20,
            response_bytes_max: 10 << 20,
            request_timeout_ms: 10_000,
            ping_interval_ms: 5_000,
            lockout_ms: 30_000,
            backlog_bytes_max: 64 << 20,
        }
    }
}

/// A setting of the section that cannot work. The message names the key and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Nobody could reach the node. Add an address.
    #[error("network.listen is empty: add an address such as \"/ip4/0.0.0.0/tcp/26656\"")]
    NothingToListenOn,
    /// Neither TCP nor QUIC. Write the address in one of the two forms.
    #[error("network.listen has {0}: write /ip4/ADDRESS/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1")]
    NotListenable(Multiaddr),
    /// An address without a peer id could be answered by anyone. Append `/p2p/<peer id>`.
    #[error("network.peers has {0} without a peer id: append /p2p/PEER-ID")]
    PeerWithoutId(Multiaddr),
    /// Nothing would pass. Remove the line to get the default.
    #[error("network.limits.{0} is zero, which lets nothing through: remove the line or raise it")]
    Zero(&'static str),
    /// Beyond what a node can hold in memory for one peer. Lower it.
    #[error("network.limits.{name} is {got}, above the most that is sensible, {most}")]
    TooLarge {
        /// The key.
        name: &'static str,
        /// What the file says.
        got: usize,
        /// The bound.
        most: usize,
    },
}

impl NetworkConfig {
    /// Checks every value once, before anything is opened.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            return Err(ConfigError::NothingToListenOn);
        }
        if let Some(address) = self.listen.iter().find(|address| !is_listenable(address)) {
            return Err(ConfigError::NotListenable(address.clone()));
        }
        if let Some(address) = self
            .peers
            .iter()
            .find(|address| peer_id_in(address).is_none())
        {
            return Err(ConfigError::PeerWithoutId(address.clone()));
        }
        self.limits.check()
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        let most = 64 << 20;
        let sizes = [
            ("gossip_bytes_max", self.gossip_bytes_max),
            ("transactions_bytes_max", self.transactions_bytes_max),
            ("request_bytes_max", self.request_bytes_max),
            ("response_bytes_max", self.response_bytes_max),
        ];
        if let Some(&(name, got)) = sizes.iter().find(|(_, size)| *size > most) {
            return Err(ConfigError::TooLarge { name, got, most });
        }
        let counts = [
            ("connections", u64::from(self.connections)),
            ("connections_per_peer", u64::from(self.connections_per_peer)),
            (
                "connections_per_address",
                u64::from(self.connections_per_address),
            ),
            ("pending_inbound", u64::from(self.pending_inbound)),
            (
                "handshakes_per_second_per_address",
                self.handshakes_per_second_per_address,
            ),
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("inbound_bytes_per_second", self.inbound_bytes_per_second),
            (
                "gossip_messages_per_second",
                self.gossip_messages_per_second,
            ),
            (
                "transaction_messages_per_second",
                self.transaction_messages_per_second,
            ),
            ("requests_per_second", self.requests_per_second),
            ("request_timeout_ms", self.request_timeout_ms),
            ("ping_interval_ms", self.ping_interval_ms),
        ];
        let places = [
            ("streams_per_connection", self.streams_per_connection),
            ("requests_in_flight", self.requests_in_flight),
            ("backlog_bytes_max", self.backlog_bytes_max),
        ];
        let zero_count = counts
            .iter()
            .find(|(_, count)| *count == 0)
            .map(|(name, _)| *name);
        let mut sized = places.iter().chain(&sizes);
        let zero_size = sized.find(|(_, size)| *size == 0).map(|(name, _)| *name);
        zero_count
            .or(zero_size)
            .map_or(Ok(()), |name| Err(ConfigError::Zero(name)))
    }
}

fn is_listenable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = matches!(parts.next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_)));
    let port = match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(_)), None) => true,
        (Some(Protocol::Udp(_)), Some(Protocol::QuicV1)) => parts.next().is_none(),
        _ => false,
    };
    host && port
}

/// The peer id at the end of an address.
pub(super) fn peer_id_in(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        NetworkConfig::default().check().unwrap();
        assert_eq!(NetworkConfig::default().listen.len(), 2);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = toml::from_str::<NetworkConfig>("persistent_peers = []").unwrap_err();
        assert!(error.to_string().contains("persistent_peers"), "{error}");
    }

    #[test]
    fn each_setting_that_cannot_work_says_what_to_write() {
        let cases = [
            ("listen = []", "add an address"),
            ("listen = ['/dns4/here/tcp/1']", "/ip4/ADDRESS/tcp/PORT"),
            ("listen = ['/ip4/0.0.0.0/udp/1']", "quic-v1"),
            ("peers = ['/ip4/192.0.2.1/tcp/1']", "append /p2p/PEER-ID"),
            (
                "[limits]\nrequests_per_second = 0",
                "network.limits.requests_per_second is zero",
            ),
            (
                "[limits]\nresponse_bytes_max = 99999999",
                "network.limits.response_bytes_max",
            ),
            (
                "[limits]\nrequests_in_flight = 0",
                "network.limits.requests_in_flight is zero",
            ),
        ];
        for (text, expected) in cases {
            let config: NetworkConfig = toml::from_str(text).unwrap();
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
