//! Who may connect: the peers of the ledger's members.
//!
//! The list is made from the ledger (and the configured bootstrap peers until the node has caught
//! up) and handed in whole; the network never decides membership itself.

use std::collections::BTreeMap;

use chipledger_schemas::ids::MemberId;
use libp2p::identity::{self, Keypair, ed25519};
use libp2p::{Multiaddr, PeerId};

/// How much of the ledger a peer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Peers of customs, regulators and inspectors: blocks, proposals, transactions, everything.
    Full,
    /// Observers of other members: only what they ask for by the records protocol. They never
    /// take part in gossip or block sync, in either direction.
    Own,
}

/// One peer that may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedPeer {
    /// Whose peer it is; log lines and status call it by this name.
    pub member: MemberId,
    /// What it may see.
    pub view: View,
    /// Where it listens, if known. A peer without an address is let in but never dialled.
    pub addresses: Vec<Multiaddr>,
}

/// The allow-list: everyone else is a stranger and is refused when the connection is established.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted(pub BTreeMap<PeerId, AdmittedPeer>);

impl Admitted {
    /// The entry of `peer`, if it may connect.
    pub fn get(&self, peer: &PeerId) -> Option<&AdmittedPeer> {
        self.0.get(peer)
    }

    /// The list with `local` as a peer of the narrow view: what a node hands in that runs no
    /// engine, so that nobody's gossip or block sync is for it.
    #[must_use]
    pub fn with_narrow(mut self, local: PeerId, member: MemberId) -> Self {
        // Nobody is let in by this entry: a node has no connection to itself.
        let peer = AdmittedPeer {
            member,
            view: View::Own,
            addresses: Vec::new(),
        };
        self.0.insert(local, peer);
        self
    }

    /// What `peer` may see; None for a stranger.
    pub fn view(&self, peer: &PeerId) -> Option<View> {
        self.0.get(peer).map(|peer| peer.view)
    }
}

/// The peer id of a 32-byte Ed25519 public key; None if the bytes are not a point of the curve.
pub fn peer_id_of(public_key: &[u8; 32]) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(public_key).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

/// The transport keypair of a 32-byte Ed25519 secret (the peer key, never the validator key).
/// The bytes are wiped.
///
/// Every 32 bytes are a valid secret, so None never comes back; it is there because the type of
/// the transport library says it could.
pub fn peer_keypair(secret: &mut [u8; 32]) -> Option<Keypair> {
    Keypair::ed25519_from_bytes(secret).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_public_key_is_the_id_its_connections_prove() {
        let keypair = peer_keypair(&mut [7; 32]).unwrap();
        let public = keypair.public().try_into_ed25519().unwrap().to_bytes();
        assert_eq!(peer_id_of(&public), Some(keypair.public().to_peer_id()));
    }

    #[test]
    fn bytes_that_are_no_public_key_have_no_peer_id() {
        // The y coordinate 2 has no x on the curve.
        let mut bytes = [0; 32];
        bytes[0] = 2;
        assert_eq!(peer_id_of(&bytes), None);
    }
}
