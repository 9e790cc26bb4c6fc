//! The handler that holds an admitted connection open: it speaks nothing and is never idle.
//!
//! A peer without traffic is still a peer; whether it lives is what pings find out.

use std::convert::Infallible;
use std::task::{Context, Poll};

use libp2p::core::upgrade::DeniedUpgrade;
use libp2p::swarm::handler::{ConnectionEvent, ConnectionHandler};
use libp2p::swarm::{ConnectionHandlerEvent, SubstreamProtocol};

/// Holds the connection open.
pub(super) struct Held;

impl ConnectionHandler for Held {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = DeniedUpgrade;
    type OutboundProtocol = DeniedUpgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<DeniedUpgrade, ()> {
        SubstreamProtocol::new(DeniedUpgrade, ())
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(
        &mut self,
        _context: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<DeniedUpgrade, (), Infallible>> {
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        _event: ConnectionEvent<'_, DeniedUpgrade, DeniedUpgrade, (), ()>,
    ) {
    }
}
