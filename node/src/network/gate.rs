//! The gate: refuses strangers at the moment their connection is established.
//!
//! The engine's own allow-list acts on the Identify message, which a hostile peer never sends.
//! Here the peer id is the one that the handshake proved, and a refused connection never gets a
//! stream. The gate also counts connections by address and decides when a second connection of
//! the same peer means that the peer was restarted.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::admission::{Admitted, View};
use super::bucket::Bucket;
use super::config::Limits;
use super::held::Held;

/// Two peers may dial each other at the same time; a second connection that comes later than any
/// dial can last means that the peer has lost the first one.
const SIMULTANEOUS_DIALS: Duration = Duration::from_secs(15);

/// Addresses remembered at most; beyond it those with nothing to remember are forgotten.
const ADDRESSES_MAX: usize = 1_024;

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(super) enum Refused {
    /// Not a peer of a member in good standing. The member's peer key must be on the ledger.
    #[error("not a peer of an admitted member")]
    Stranger,
    /// The peer broke the limits; it may come back when the lockout ends.
    #[error("locked out for a while")]
    LockedOut,
    /// Too many connections or handshakes from the address.
    #[error("too many connections from this address")]
    AddressBusy,
    /// The peer has lost its older connection, or is being disconnected: it starts over.
    #[error("the older connection must end first")]
    StartOver,
}

struct Connection {
    id: ConnectionId,
    inbound: bool,
    since: Instant,
}

struct Address {
    connections: u32,
    handshakes: Bucket,
}

/// Refuses whom the allow-list does not name; see the module.
pub(super) struct Gate {
    admitted: BTreeMap<PeerId, View>,
    locked_out: HashMap<PeerId, Instant>,
    connections: HashMap<PeerId, Vec<Connection>>,
    closing: HashSet<PeerId>,
    addresses: HashMap<IpAddr, Address>,
    from_address: HashMap<ConnectionId, IpAddr>,
    to_close: VecDeque<PeerId>,
    per_address: u32,
    handshakes_per_second: u64,
    waker: Option<Waker>,
}

impl Gate {
    pub(super) fn new(limits: &Limits, admitted: &Admitted) -> Self {
        Self {
            admitted: views(admitted),
            locked_out: HashMap::new(),
            connections: HashMap::new(),
            closing: HashSet::new(),
            addresses: HashMap::new(),
            from_address: HashMap::new(),
            to_close: VecDeque::new(),
            per_address: limits.connections_per_address,
            handshakes_per_second: limits.handshakes_per_second_per_address,
            waker: None,
        }
    }

    /// Replaces the allow-list. Peers that are gone from it, or see more or less than before, are
    /// disconnected at once; the latter come back under their new view.
    pub(super) fn admit(&mut self, admitted: &Admitted) {
        let before = std::mem::replace(&mut self.admitted, views(admitted));
        for (peer, view) in before {
            if self.admitted.get(&peer) != Some(&view) {
                self.close(peer);
            }
        }
    }

    /// Disconnects every peer: what each may see has changed.
    pub(super) fn close_all(&mut self) {
        let peers: Vec<PeerId> = self.connections.keys().copied().collect();
        peers.into_iter().for_each(|peer| self.close(peer));
    }

    /// Disconnects `peer` and refuses it until `until`.
    pub(super) fn lock_out(&mut self, peer: PeerId, until: Instant) {
        self.locked_out.insert(peer, until);
        self.close(peer);
    }

    /// How many peers are refused for a while.
    pub(super) fn locked_out(&self, now: Instant) -> usize {
        let untils = self.locked_out.values();
        untils.filter(|until| **until > now).count()
    }

    /// Disconnects `peer`; it may come back.
    pub(super) fn close(&mut self, peer: PeerId) {
        if self.connections.contains_key(&peer) && self.closing.insert(peer) {
            self.to_close.push_back(peer);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    fn enter(&mut self, peer: PeerId, inbound: bool) -> Result<Held, ConnectionDenied> {
        match self.judge(peer, inbound, Instant::now()) {
            None => Ok(Held),
            Some(reason) => Err(ConnectionDenied::new(reason)),
        }
    }

    fn judge(&mut self, peer: PeerId, inbound: bool, now: Instant) -> Option<Refused> {
        if !self.admitted.contains_key(&peer) {
            return Some(Refused::Stranger);
        }
        if self.locked_out.get(&peer).is_some_and(|until| *until > now) {
            return Some(Refused::LockedOut);
        }
        self.locked_out.remove(&peer);
        if self.closing.contains(&peer) {
            return Some(Refused::StartOver);
        }
        let older = self.connections.get(&peer).map_or(&[][..], Vec::as_slice);
        let restarted = older.iter().any(|connection| {
            connection.inbound == inbound
                || now.saturating_duration_since(connection.since) > SIMULTANEOUS_DIALS
        });
        if restarted {
            // Gossip tells its topics once per peer, not per connection: a restarted peer would
            // never learn ours if the new connection lived beside the dead one.
            self.close(peer);
            return Some(Refused::StartOver);
        }
        None
    }

    fn knock(&mut self, id: ConnectionId, address: IpAddr, now: Instant) -> Option<Refused> {
        if self.addresses.len() >= ADDRESSES_MAX {
            self.addresses
                .retain(|_, one| one.connections > 0 || !one.handshakes.is_full(now));
        }
        let rate = self.handshakes_per_second;
        let entry = self.addresses.entry(address).or_insert_with(|| Address {
            connections: 0,
            handshakes: Bucket::new(rate, rate.saturating_mul(10), now),
        });
        if entry.connections >= self.per_address || !entry.handshakes.try_take(1, now) {
            return Some(Refused::AddressBusy);
        }
        entry.connections += 1;
        self.from_address.insert(id, address);
        None
    }

    fn leave_address(&mut self, id: ConnectionId) {
        let Some(address) = self.from_address.remove(&id) else {
            return;
        };
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.connections = entry.connections.saturating_sub(1);
        }
    }

    fn leave(&mut self, peer: PeerId, id: ConnectionId) {
        self.leave_address(id);
        let Some(connections) = self.connections.get_mut(&peer) else {
            return;
        };
        connections.retain(|connection| connection.id != id);
        if connections.is_empty() {
            self.connections.remove(&peer);
            self.closing.remove(&peer);
        }
    }
}

fn views(admitted: &Admitted) -> BTreeMap<PeerId, View> {
    admitted
        .0
        .iter()
        .map(|(peer, entry)| (*peer, entry.view))
        .collect()
}

/// The address that limits count: an IPv6 host owns its whole /64.
fn counted_address(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(address) => Some(IpAddr::V4(address)),
        Protocol::Ip6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Some(IpAddr::V6(network.into()))
        }
        _ => None,
    })
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = Held;
    type ToSwarm = std::convert::Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let Some(address) = counted_address(remote) else {
            return Ok(());
        };
        match self.knock(id, address, Instant::now()) {
            None => Ok(()),
            Some(reason) => Err(ConnectionDenied::new(reason)),
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        _id: ConnectionId,
        peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(peer, true)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _id: ConnectionId,
        peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(peer, false)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(event) => {
                self.connections
                    .entry(event.peer_id)
                    .or_default()
                    .push(Connection {
                        id: event.connection_id,
                        inbound: event.endpoint.is_listener(),
                        since: Instant::now(),
                    });
            }
            FromSwarm::ConnectionClosed(event) => self.leave(event.peer_id, event.connection_id),
            FromSwarm::ListenFailure(event) => self.leave_address(event.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _peer: PeerId,
        _id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(peer_id) = self.to_close.pop_front() {
            let connection = CloseConnection::All;
            return Poll::Ready(ToSwarm::CloseConnection {
                peer_id,
                connection,
            });
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
