//! Who may connect, and whether enough validators are connected: both follow the ledger.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::QueryError;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_schemas::certificate::ValidatorSet;
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
    /// The height that honest validators have reached, as far as the peers' claims show it.
    pub vouched: u64,
}

/// Which validators of the next height are within reach of a member's node, by the members of the
/// peers connected and the heights that these claim.
pub fn reach(
    store: &Store,
    own: &MemberId,
    peers: &[(MemberId, u64)],
) -> Result<Reach, StoreError> {
    let validators = validators_of(store, store.head().header.height.next())?;
    let connected: BTreeSet<&MemberId> = peers.iter().map(|(member, _)| member).collect();
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
        vouched: vouched(&validators, peers),
    })
}

/// The highest height that validators with more than a third of the power claim to have reached:
/// at least one of them is honest.
fn vouched(validators: &ValidatorSet, claims: &[(MemberId, u64)]) -> u64 {
    let mut claims: Vec<_> = claims
        .iter()
        .filter_map(|(member, height)| {
            let seat = validators.0.iter().find(|seat| seat.member == *member)?;
            Some((height, &seat.member, seat.power))
        })
        .collect();
    claims.sort_unstable_by(|a, b| b.cmp(a));
    let (mut power, mut counted) = (0_u64, BTreeSet::new());
    for (height, member, more) in claims {
        if counted.insert(member) {
            power += more;
        }
        if power * 3 > validators.total_power() {
            return *height;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipledger_schemas::certificate::ValidatorSeat;

    #[test]
    fn a_third_of_the_power_cannot_make_a_node_look_behind() {
        let seat = |index: u8| ValidatorSeat {
            member: format!("V{index}").parse().unwrap(),
            key: PublicKey([index; 32]),
            power: 1,
        };
        let validators = ValidatorSet((1..=4).map(seat).collect());
        let highest = |claims: &[(&str, u64)]| {
            let claims: Vec<(MemberId, u64)> = claims
                .iter()
                .map(|(name, at)| (name.parse().unwrap(), *at))
                .collect();
            vouched(&validators, &claims)
        };
        assert_eq!(highest(&[]), 0);
        assert_eq!(highest(&[("V1", 1_000_000), ("V2", 7), ("V3", 5)]), 7);
        assert_eq!(highest(&[("V1", 9), ("V1", 9), ("OBSERVER", 9)]), 0);
    }
}
