//! Keeps a behaviour from peers that see only their own items.
//!
//! The wrapped behaviour (gossip and block sync) never hears of such a connection and has no
//! handler on it: it can neither send nor be asked.

use std::collections::HashSet;
use std::task::{Context, Poll};

use either::Either;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use super::admission::{Admitted, View};

/// A behaviour for connections whose both ends see everything.
pub(super) struct FullOnly<B> {
    /// The behaviour itself.
    pub(super) inner: B,
    local: PeerId,
    full: HashSet<PeerId>,
    /// This node is itself an observer of a member with the narrow view: nobody's gossip is for
    /// it.
    local_is_own: bool,
    hidden: HashSet<ConnectionId>,
}

impl<B: NetworkBehaviour> FullOnly<B> {
    pub(super) fn new(inner: B, local: PeerId, admitted: &Admitted) -> Self {
        let (full, hidden) = (HashSet::new(), HashSet::new());
        let mut new = Self {
            inner,
            local,
            full,
            local_is_own: false,
            hidden,
        };
        new.admit(admitted);
        new
    }

    /// Takes over the allow-list. Decides about new connections only: the gate closes those of
    /// peers whose view has changed.
    pub(super) fn admit(&mut self, admitted: &Admitted) {
        let full = admitted
            .0
            .iter()
            .filter(|(_, peer)| peer.view == View::Full);
        self.full = full.map(|(peer, _)| *peer).collect();
        self.local_is_own = admitted.view(&self.local) == Some(View::Own);
    }

    /// What this node itself may see, as far as the allow-list says.
    pub(super) fn local_view(&self) -> View {
        if self.local_is_own {
            View::Own
        } else {
            View::Full
        }
    }

    /// True if connections to `peer` carry the behaviour.
    pub(super) fn serves(&self, peer: &PeerId) -> bool {
        !self.local_is_own && self.full.contains(peer)
    }
}

impl<B: NetworkBehaviour> NetworkBehaviour for FullOnly<B> {
    type ConnectionHandler = Either<THandler<B>, dummy::ConnectionHandler>;
    type ToSwarm = B::ToSwarm;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner
            .handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if !self.serves(&peer) {
            self.hidden.insert(id);
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        let handler = self
            .inner
            .handle_established_inbound_connection(id, peer, local, remote)?;
        Ok(Either::Left(handler))
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner
            .handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if !self.serves(&peer) {
            self.hidden.insert(id);
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        let inner = &mut self.inner;
        let handler =
            inner.handle_established_outbound_connection(id, peer, address, role, port)?;
        Ok(Either::Left(handler))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        let hidden = match &event {
            FromSwarm::ConnectionEstablished(event) => self.hidden.contains(&event.connection_id),
            FromSwarm::AddressChange(event) => self.hidden.contains(&event.connection_id),
            FromSwarm::ConnectionClosed(event) => self.hidden.remove(&event.connection_id),
            // Refused by another behaviour after this one had hidden it.
            FromSwarm::ListenFailure(event) => self.hidden.remove(&event.connection_id),
            FromSwarm::DialFailure(event) => {
                self.hidden.remove(&event.connection_id);
                false
            }
            _ => false,
        };
        if !hidden {
            self.inner.on_swarm_event(event);
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {
            Either::Left(event) => self.inner.on_connection_handler_event(peer, id, event),
            Either::Right(never) => match never {},
        }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner
            .poll(context)
            .map(|event| event.map_in(Either::Left))
    }
}
