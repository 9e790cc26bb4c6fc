//! Peers come and go.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use arc_malachitebft_network::Event;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, ListenError, SwarmEvent};
use libp2p::{PeerId, identify, ping};
use tracing::{debug, info, warn};

use super::super::behaviour::BehaviourEvent;
use super::super::conduct::{Conduct, Verdict};
use super::super::gate::Refused;
use super::super::handle::{Direction, Input};
use super::super::topics::SCORE_MIN;
use super::{Driver, Peer};

/// A peer that leaves this many pings in a row unanswered is taken for dead.
const UNANSWERED_PINGS_MAX: u32 = 2;

impl Driver {
    /// Dials every peer that is due.
    pub(super) fn dial(&mut self, now: Instant) {
        for (peer, addresses) in self.redial.take_due(now) {
            self.parts.metrics.dials.inc();
            let options = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(addresses)
                // One address after the other: two at once could both reach the peer, which
                // would take the second for a restart.
                .override_dial_concurrency_factor(std::num::NonZeroU8::MIN)
                .build();
            if let Err(error) = self.parts.swarm.dial(options) {
                self.dial_failed(&peer, &error, now);
            }
        }
    }

    pub(super) fn on_connection(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.established(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                debug!(member = self.member(&peer_id), ?cause, "connection closed");
                self.closed(peer_id, connection_id);
            }
            SwarmEvent::IncomingConnectionError {
                error,
                peer_id,
                send_back_addr,
                ..
            } => {
                let reason = refusal(&error);
                self.parts.metrics.refused(reason);
                debug!(from = %send_back_addr, peer = ?peer_id, reason, "inbound refused");
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error,
                ..
            } => {
                self.dial_failed(&peer, &error, Instant::now());
            }
            SwarmEvent::ListenerClosed {
                addresses,
                reason: Err(error),
                ..
            } => {
                warn!(?addresses, %error, "no longer listening: restart the node");
            }
            SwarmEvent::ListenerError { error, .. } => debug!(%error, "listener"),
            _ => {}
        }
    }

    fn dial_failed(&mut self, peer: &PeerId, error: &DialError, now: Instant) {
        // Being connected already is what the dial was for.
        if !matches!(error, DialError::DialPeerConditionFalse(_)) {
            self.parts.metrics.dial_failures.inc();
            debug!(member = self.member(peer), %error, "dial failed");
        }
        self.redial.failed(peer, now, jitter());
    }

    fn established(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let now = Instant::now();
        self.redial.connected(&peer, now);
        let limits = &self.parts.config.limits;
        self.conduct
            .entry(peer)
            .or_insert_with(|| Conduct::new(limits, now));
        let direction = if endpoint.is_dialer() {
            Direction::Outbound
        } else {
            Direction::Inbound
        };
        let entry = self.peers.entry(peer).or_insert_with(|| Peer {
            connections: Vec::new(),
            since: SystemTime::now(),
            established: now,
            introduced: None,
            topics: BTreeSet::new(),
            unanswered_pings: 0,
        });
        entry
            .connections
            .push((id, endpoint.get_remote_address().clone(), direction));
        self.refresh();
    }

    fn closed(&mut self, peer: PeerId, id: ConnectionId) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        entry
            .connections
            .retain(|(connection, _, _)| *connection != id);
        if !entry.connections.is_empty() {
            return;
        }
        let introduced = entry.introduced.is_some();
        self.peers.remove(&peer);
        self.parts.metrics.disconnects.inc();
        self.redial.lost(&peer, Instant::now(), jitter());
        self.sync_channels.retain(|_, (asking, _)| *asking != peer);
        if introduced {
            info!("peer {} lost", self.member(&peer));
            self.parts
                .engine
                .send(Event::PeerDisconnected(Self::engine_id(&peer)));
            self.tell(Input::PeerDisconnected(peer));
        }
        self.refresh();
    }

    /// The peer has introduced itself: only now does it count as found, because only now is it
    /// known that it speaks for the same ledger and has not refused us.
    pub(super) fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id, info, .. } = event else {
            return;
        };
        if info.protocol_version != self.parts.names.protocol("1") {
            let (member, theirs) = (self.member(&peer_id), short(&info.protocol_version));
            warn!(
                member,
                theirs, "peer runs another ledger or version: compare genesis hashes"
            );
            self.exclude(peer_id, Instant::now());
            return;
        }
        let Some(peer) = self.peers.get_mut(&peer_id) else {
            return;
        };
        let introduction = (short(&info.protocol_version), short(&info.agent_version));
        if peer.introduced.replace(introduction).is_some() {
            return;
        }
        let channels: Vec<_> = peer.channels().collect();
        info!("peer {} found", self.member(&peer_id));
        let id = Self::engine_id(&peer_id);
        if self.parts.swarm.behaviour().full.serves(&peer_id) {
            self.parts.engine.send(Event::PeerConnected(id));
            for channel in channels {
                self.parts.engine.send(Event::PeerSubscribed(id, channel));
            }
        }
        self.tell(Input::PeerConnected(peer_id));
        self.refresh();
    }

    pub(super) fn on_ping(&mut self, event: &ping::Event) {
        let Some(peer) = self.peers.get_mut(&event.peer) else {
            return;
        };
        if event.result.is_ok() {
            peer.unanswered_pings = 0;
            return;
        }
        peer.unanswered_pings += 1;
        if peer.unanswered_pings >= UNANSWERED_PINGS_MAX {
            debug!(member = self.member(&event.peer), "gives no sign of life");
            self.parts.swarm.behaviour_mut().gate.close(event.peer);
        }
    }

    /// Disconnects peers that did not introduce themselves in time.
    pub(super) fn part_with_the_silent(&mut self, now: Instant) {
        let patience = Duration::from_millis(self.parts.config.limits.handshake_timeout_ms);
        let gate = &mut self.parts.swarm.behaviour_mut().gate;
        for (id, peer) in &self.peers {
            let silent = now.saturating_duration_since(peer.established) > patience;
            if peer.introduced.is_none() && silent {
                gate.close(*id);
            }
        }
    }

    pub(super) fn lock_out_bad_scores(&mut self, now: Instant) {
        let gossip = &self.parts.swarm.behaviour().full.inner.gossip;
        let bad = |peer: &&PeerId| gossip.peer_score(peer).is_some_and(|s| s < SCORE_MIN);
        let bad: Vec<PeerId> = self.peers.keys().filter(bad).copied().collect();
        bad.into_iter().for_each(|peer| self.lock_out(peer, now));
    }

    /// Acts on what [`Conduct`] found.
    pub(super) fn punish(&mut self, peer: PeerId, verdict: Verdict) {
        if verdict == Verdict::LockOut {
            self.lock_out(peer, Instant::now());
        }
    }

    fn lock_out(&mut self, peer: PeerId, now: Instant) {
        let member = self.member(&peer);
        warn!("peer {member} breaks the limits on and on: locked out");
        self.exclude(peer, now);
    }

    /// Acts on what the node found: the peer sent what cannot be true.
    pub(super) fn lock_out_liar(&mut self, peer: PeerId) {
        warn!("peer {} lied: locked out", self.member(&peer));
        self.exclude(peer, Instant::now());
    }

    /// Disconnects the peer and refuses it for the time of a lockout.
    fn exclude(&mut self, peer: PeerId, now: Instant) {
        let lockout = Duration::from_millis(self.parts.config.limits.lockout_ms);
        self.parts.metrics.lockouts.inc();
        let gate = &mut self.parts.swarm.behaviour_mut().gate;
        gate.lock_out(peer, now + lockout);
    }

    /// Tells the node; a full queue loses the message, and the snapshot shows peers anyway.
    fn tell(&self, input: Input) {
        if self.parts.inputs.try_send(input).is_err() {
            debug!("the node does not take inputs");
        }
    }
}

fn refusal(error: &ListenError) -> &'static str {
    match error {
        ListenError::Denied { cause } => match cause.downcast_ref::<Refused>() {
            Some(Refused::Stranger) => "stranger",
            Some(Refused::LockedOut) => "locked_out",
            Some(Refused::AddressBusy) => "address_busy",
            Some(Refused::StartOver) => "start_over",
            None => "connection_limit",
        },
        ListenError::LocalPeerId { .. } => "self",
        ListenError::WrongPeerId { .. } => "wrong_peer",
        ListenError::Aborted | ListenError::Transport(_) => "handshake",
    }
}

/// What a peer says of itself, cut to what fits a line and a page.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// A random number that spreads redials. Without randomness they only come together.
fn jitter() -> u32 {
    getrandom::u32().unwrap_or_default()
}
