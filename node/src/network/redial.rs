//! When to dial whom: every admitted peer that has an address and no connection, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::admission::Admitted;
use super::config::peer_id_in;

/// The first wait after a failure; it doubles up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(100);
/// The longest wait: a peer that comes back is found within this.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The peer with the larger id lets the other one dial first, so that both rarely do.
const COURTESY: Duration = Duration::from_millis(300);
/// A connection that lived shorter was not a success: the other side may refuse us.
const SETTLED: Duration = Duration::from_secs(2);

struct Target {
    addresses: BTreeSet<Multiaddr>,
    failures: u32,
    due: Instant,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Waiting,
    Dialling,
    Connected(Instant),
}

/// The book of addresses and the time of the next attempt for each peer.
pub(super) struct Redial {
    local: PeerId,
    /// Addresses from the configuration, kept for peers that are not admitted yet.
    configured: BTreeMap<PeerId, BTreeSet<Multiaddr>>,
    targets: BTreeMap<PeerId, Target>,
}

impl Redial {
    pub(super) fn new(local: PeerId, configured: &[Multiaddr]) -> Self {
        let mut new = Self {
            local,
            configured: BTreeMap::new(),
            targets: BTreeMap::new(),
        };
        for address in configured {
            new.remember(address);
        }
        new
    }

    /// Adds an address that ends in a peer id; true if it is new. It is dialled only if that peer
    /// is admitted.
    pub(super) fn remember(&mut self, address: &Multiaddr) -> bool {
        let Some(peer) = peer_id_in(address) else {
            return false;
        };
        let address = without_peer(address);
        if let Some(target) = self.targets.get_mut(&peer) {
            target.addresses.insert(address.clone());
        }
        self.configured.entry(peer).or_default().insert(address)
    }

    /// Forgets an address; true if it was known.
    pub(super) fn forget(&mut self, address: &Multiaddr) -> bool {
        let Some(peer) = peer_id_in(address) else {
            return false;
        };
        let address = without_peer(address);
        if let Some(target) = self.targets.get_mut(&peer) {
            target.addresses.remove(&address);
        }
        self.configured
            .get_mut(&peer)
            .is_some_and(|known| known.remove(&address))
    }

    /// Takes over the allow-list: new peers are due at once, missing ones are forgotten.
    pub(super) fn admit(&mut self, admitted: &Admitted, now: Instant) {
        self.targets.retain(|peer, _| admitted.get(peer).is_some());
        for (peer, entry) in admitted.0.iter().filter(|(peer, _)| **peer != self.local) {
            let mut addresses: BTreeSet<_> = entry.addresses.iter().map(without_peer).collect();
            addresses.extend(self.configured.get(peer).into_iter().flatten().cloned());
            let courtesy = if self.local > *peer {
                COURTESY
            } else {
                Duration::ZERO
            };
            let target = self.targets.entry(*peer).or_insert_with(|| Target {
                addresses: BTreeSet::new(),
                failures: 0,
                due: now + courtesy,
                state: State::Waiting,
            });
            target.addresses = addresses;
        }
    }

    /// The peers to dial now, with their addresses. Each is then waited for: report what became
    /// of it.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let mut due = Vec::new();
        for (peer, target) in &mut self.targets {
            let waiting = matches!(target.state, State::Waiting) && target.due <= now;
            if waiting && !target.addresses.is_empty() {
                target.state = State::Dialling;
                due.push((*peer, target.addresses.iter().cloned().collect()));
            }
        }
        due
    }

    /// A dial failed. `jitter` is any random number: it spreads the next attempt by up to a
    /// quarter.
    pub(super) fn failed(&mut self, peer: &PeerId, now: Instant, jitter: u32) {
        let Some(target) = self.targets.get_mut(peer) else {
            return;
        };
        if let State::Connected(_) = target.state {
            return;
        }
        target.wait_longer(now, jitter);
    }

    /// The peer is connected, whoever dialled.
    pub(super) fn connected(&mut self, peer: &PeerId, now: Instant) {
        if let Some(target) = self.targets.get_mut(peer) {
            target.state = State::Connected(now);
        }
    }

    /// The last connection to the peer is gone.
    pub(super) fn lost(&mut self, peer: &PeerId, now: Instant, jitter: u32) {
        let Some(target) = self.targets.get_mut(peer) else {
            return;
        };
        if let State::Connected(since) = target.state
            && now.saturating_duration_since(since) >= SETTLED
        {
            target.failures = 0;
        }
        target.wait_longer(now, jitter);
    }
}

impl Target {
    fn wait_longer(&mut self, now: Instant, jitter: u32) {
        let wait = WAIT_MIN
            .saturating_mul(1 << self.failures.min(10))
            .min(WAIT_MAX);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting;
        self.due = now + wait * (768 + jitter % 256) / 1_024;
    }
}

fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::super::admission::{AdmittedPeer, View, peer_keypair};
    use super::*;

    fn peer(seed: u8) -> PeerId {
        peer_keypair(&mut [seed; 32]).unwrap().public().to_peer_id()
    }

    fn admitted(peers: &[PeerId]) -> Admitted {
        let entry = AdmittedPeer {
            member: "CUSTOMS-NL".parse().unwrap(),
            view: View::Full,
            addresses: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
        };
        Admitted(peers.iter().map(|peer| (*peer, entry.clone())).collect())
    }

    fn due(redial: &mut Redial, now: Instant) -> Vec<PeerId> {
        redial
            .take_due(now)
            .into_iter()
            .map(|(peer, _)| peer)
            .collect()
    }

    #[test]
    fn this_node_never_dials_itself() {
        let now = Instant::now();
        let mut redial = Redial::new(peer(1), &[]);
        redial.admit(&admitted(&[peer(1)]), now);
        assert!(due(&mut redial, now + Duration::from_secs(1)).is_empty());
    }

    #[test]
    fn a_failing_peer_is_dialled_less_and_less_but_every_five_seconds_at_least() {
        let mut now = Instant::now();
        let mut redial = Redial::new(peer(1), &[]);
        redial.admit(&admitted(&[peer(2)]), now);
        now += COURTESY;
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert_eq!(due(&mut redial, now), [peer(2)]);
            assert!(due(&mut redial, now).is_empty(), "one dial at a time");
            redial.failed(&peer(2), now, 255);
            let start = now;
            while redial.targets[&peer(2)].due > now {
                now += Duration::from_millis(1);
            }
            waits.push(now - start);
        }
        assert!(waits[0] <= Duration::from_millis(101), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= WAIT_MAX), "{waits:?}");
        assert!(waits[11] > Duration::from_secs(4), "{waits:?}");
    }

    #[test]
    fn only_a_connection_that_lasted_resets_the_wait() {
        let start = Instant::now();
        let mut redial = Redial::new(peer(1), &[]);
        redial.admit(&admitted(&[peer(2)]), start);
        for _ in 0..5 {
            redial.connected(&peer(2), start);
            redial.lost(&peer(2), start + Duration::from_millis(5), 0);
        }
        assert_eq!(redial.targets[&peer(2)].failures, 5);
        redial.connected(&peer(2), start);
        redial.lost(&peer(2), start + SETTLED, 0);
        assert_eq!(redial.targets[&peer(2)].failures, 1);
    }

    #[test]
    fn configured_addresses_are_used_only_for_admitted_peers() {
        let now = Instant::now();
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/9/p2p/{}", peer(3))
            .parse()
            .unwrap();
        let mut redial = Redial::new(peer(1), std::slice::from_ref(&address));
        let later = now + Duration::from_secs(1);
        assert!(due(&mut redial, later).is_empty());
        redial.admit(&admitted(&[peer(3)]), now);
        let dials = redial.take_due(later);
        assert_eq!(dials[0].1.len(), 2);
        assert!(!redial.remember(&address));
        assert!(redial.forget(&address));
        assert!(!redial.forget(&address));
    }
}
