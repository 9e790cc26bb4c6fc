//! What the driver tells about itself: to the handle, to the gauges and in the engine's words.

use std::time::Instant;

use arc_malachitebft_network::{LocalNodeInfo, NetworkStateDump, PeerInfo, PeerType};
use libp2p::{Multiaddr, PeerId};

use super::super::handle::{PeerStatus, Seen, Snapshot};
use super::super::topics::Topic;
use super::{Driver, Peer};

impl Driver {
    /// Renews what the handle shows and the gauges.
    pub(super) fn refresh(&mut self) {
        let gossip = &self.parts.swarm.behaviour().full.inner.gossip;
        let mut seen = Vec::with_capacity(self.peers.len());
        for (id, peer) in &self.peers {
            let Some(entry) = self.admitted.get(id) else {
                continue;
            };
            let Some((_, address, direction)) = peer.connections.first() else {
                continue;
            };
            let (protocol, agent) = peer.introduced.clone().unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, reason = "shown to people only")]
            let score = gossip.peer_score(id).unwrap_or_default() as i64;
            let status = PeerStatus {
                id: *id,
                member: entry.member.clone(),
                view: entry.view,
                address: address.clone(),
                connected_since: peer.since,
                direction: *direction,
                agent,
                protocol,
                inbound_bytes: 0,
                outbound_bytes: 0,
                height: 0,
                score,
            };
            seen.push(Seen {
                status,
                meter: self.parts.meters.of(id),
            });
        }
        self.parts
            .metrics
            .peers
            .set(i64::try_from(seen.len()).unwrap_or(i64::MAX));
        let locked_out = self.parts.swarm.behaviour().gate.locked_out(Instant::now());
        self.parts
            .metrics
            .locked_out
            .set(i64::try_from(locked_out).unwrap_or(i64::MAX));
        self.parts.metrics.totals(
            self.admitted
                .0
                .keys()
                .map(|peer| self.parts.meters.of(peer)),
        );
        let listening = self.parts.listening.clone();
        self.parts.snapshot.send_replace(Snapshot {
            peers: seen,
            listening,
        });
    }

    pub(super) fn dump(&self) -> NetworkStateDump {
        let listen_addr = self
            .parts
            .listening
            .first()
            .cloned()
            .unwrap_or_else(Multiaddr::empty);
        NetworkStateDump {
            local_node: LocalNodeInfo {
                moniker: String::new(),
                peer_id: *self.parts.swarm.local_peer_id(),
                listen_addr,
                consensus_address: None,
                proof_bytes: None,
                is_validator: false,
                persistent_peers_only: true,
                subscribed_topics: Topic::ALL.iter().map(|t| t.word().to_owned()).collect(),
            },
            peers: self
                .peers
                .iter()
                .filter_map(|(id, peer)| self.describe(id, peer))
                .collect(),
            validator_set: self.validators.clone(),
            persistent_peer_ids: self.admitted.0.keys().copied().collect(),
            persistent_peer_addrs: self.parts.config.peers.clone(),
        }
    }

    fn describe(&self, id: &PeerId, peer: &Peer) -> Option<(PeerId, PeerInfo)> {
        peer.introduced.as_ref()?;
        let (_, address, _) = peer.connections.first()?;
        let gossip = &self.parts.swarm.behaviour().full.inner.gossip;
        let info = PeerInfo {
            moniker: self.member(id),
            address: address.clone(),
            consensus_address: None,
            consensus_public_key: None,
            peer_type: PeerType::new(true, false),
            connection_direction: None,
            score: gossip.peer_score(id).unwrap_or_default(),
            topics: peer
                .channels()
                .map(|channel| format!("{channel:?}"))
                .collect(),
            is_explicit: false,
        };
        Some((*id, info))
    }
}
