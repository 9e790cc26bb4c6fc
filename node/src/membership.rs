//! Who may connect, and whether enough validators are connected: both follow the ledger.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::QueryError;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_schemas::ids::{MemberId, PublicKey};
use libp2p::PeerId;

use crate::config::BootstrapPeer;
use crate::consensus::candidates::validators_of;
use crate::network::{Admitted, AdmittedPeer, View, peer_id_of};

/// Makes the allow-list: the peers of the ledger's members, and those of the configuration until
/// the node has caught up.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The ledger.
    pub store: Store,
    /// Peers of the configuration.
    pub bootstrap: Vec<BootstrapPeer>,
    /// This node itself, which needs no admission.
    pub own: PublicKey,
}

impl Membership {
    /// The allow-list at the last height.
    pub fn admitted(&self, caught_up: bool) -> Result<Admitted, QueryError> {
        let mut admitted = BTreeMap::new();
        if !caught_up {
            for peer in &self.bootstrap {
                self.add(&mut admitted, &peer.key, &peer.member, View::Full);
            }
        }
        for peer in chipledger_ledger::read::peers(&self.store.view())? {
            let view = match peer.view {
                chipledger_ledger::read::PeerView::Full => View::Full,
                chipledger_ledger::read::PeerView::Own => View::Own,
            };
            self.add(&mut admitted, &peer.key, &peer.member, view);
        }
        Ok(Admitted(admitted))
    }

    fn add(
        &self,
        admitted: &mut BTreeMap<PeerId, AdmittedPeer>,
        key: &PublicKey,
        member: &MemberId,
        view: View,
    ) {
        if *key == self.own {
            return;
        }
        // A key on the ledger that is no point of the curve admits nobody.
        if let Some(id) = peer_id_of(&key.0) {
            let peer = AdmittedPeer {
                member: member.clone(),
                view,
                addresses: Vec::new(),
            };
            admitted.insert(id, peer);
        }
    }
}

/// Which validators are within reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Power of this node and of the validators connected.
    pub power: u64,
    /// Power of all.
    pub total: u64,
    /// Validators that are not connected.
    pub missing: Vec<MemberId>,
    /// Whether what is within reach is a quorum.
    pub is_quorum: bool,
}

/// Which validators of the next height are within reach of a member's node.
pub fn reach(
    store: &Store,
    own: &MemberId,
    connected: &BTreeSet<MemberId>,
) -> Result<Reach, StoreError> {
    let validators = validators_of(store, store.head().header.height.next())?;
    let (here, missing): (Vec<_>, Vec<_>) = validators
        .0
        .iter()
        .partition(|seat| seat.member == *own || connected.contains(&seat.member));
    let power = here.iter().map(|seat| seat.power).sum();
    Ok(Reach {
        power,
        total: validators.total_power(),
        missing: missing
            .into_iter()
            .map(|seat| seat.member.clone())
            .collect(),
        is_quorum: validators.is_quorum(power),
    })
}
