//! Real swarms on loopback. Every wait has a deadline; none is a pause.

mod life;
mod limits;
mod observers;
mod strangers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_malachitebft_metrics::{Registry, SharedRegistry};
use arc_malachitebft_network::{Channel, Event, PeerIdExt as _};
use arc_malachitebft_peer::PeerId as EnginePeerId;
use bytes::Bytes;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::GenesisHash;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;

use super::command::Command;
use super::driver::{EnginePort, cost};
use super::handle::Snapshot;
use super::topics::Topic;
use super::*;

const CHAIN: GenesisHash = GenesisHash(Hash([1; 32]));
const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// Longest wait for something that must happen.
const DEADLINE: Duration = Duration::from_secs(30);

/// A node without an engine: what the engine would be told arrives in `events`.
struct Node {
    handle: NetworkHandle,
    inputs: mpsc::Receiver<Input>,
    events: mpsc::UnboundedReceiver<Event>,
}

fn keypair(seed: u8) -> Keypair {
    peer_keypair(&mut [seed; 32]).unwrap()
}

fn peer(seed: u8) -> PeerId {
    keypair(seed).public().to_peer_id()
}

fn engine_id(seed: u8) -> EnginePeerId {
    EnginePeerId::from_libp2p(&peer(seed))
}

/// An allow-list of full peers, each with the address of its node if there is one.
fn admitted(peers: &[(u8, Option<&Node>)]) -> Admitted {
    let entry = |(seed, node): &(u8, Option<&Node>)| {
        let addresses = node.map(|node| node.handle.listening()).unwrap_or_default();
        let member = format!("CUSTOMS-{seed}").parse().unwrap();
        (
            peer(*seed),
            AdmittedPeer {
                member,
                view: View::Full,
                addresses,
            },
        )
    };
    Admitted(peers.iter().map(entry).collect())
}

/// The same list with one peer that sees only its own items.
fn with_own(mut admitted: Admitted, seed: u8) -> Admitted {
    admitted.0.get_mut(&peer(seed)).unwrap().view = View::Own;
    admitted
}

fn config(listen: &str) -> NetworkConfig {
    NetworkConfig {
        listen: vec![listen.parse().unwrap()],
        ..NetworkConfig::default()
    }
}

async fn start(seed: u8, config: NetworkConfig, chain: GenesisHash, admitted: Admitted) -> Node {
    let registry = SharedRegistry::new(Registry::default(), None);
    let prepared = Prepared::new(config, keypair(seed), chain, admitted, &registry)
        .await
        .unwrap();
    let (sender, events) = mpsc::unbounded_channel();
    let backlog = Arc::new(AtomicUsize::new(0));
    let handled = backlog.clone();
    let send = Arc::new(move |event: Event| {
        handled.fetch_sub(cost(&event), Ordering::Relaxed);
        let _test_over = sender.send(event);
    });
    let (handle, inputs) = prepared.run(EnginePort { send, backlog });
    Node {
        handle,
        inputs,
        events,
    }
}

/// Starts nodes 1 to `count`, all full, that know each other's addresses, and waits until each
/// has heard of each.
async fn network(count: u8, listen: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    for seed in 1..=count {
        nodes.push(start(seed, config(listen), CHAIN, Admitted::default()).await);
    }
    admit_all(&nodes);
    for node in &mut nodes {
        node.peers(usize::from(count) - 1).await;
        node.subscribed(Channel::Consensus, usize::from(count) - 1)
            .await;
    }
    nodes
}

fn admit_all(nodes: &[Node]) {
    let seeds = 1..=u8::try_from(nodes.len()).unwrap();
    let peers: Vec<_> = seeds
        .zip(nodes)
        .map(|(seed, node)| (seed, Some(node)))
        .collect();
    let list = admitted(&peers);
    nodes
        .iter()
        .for_each(|node| node.handle.admit(list.clone()));
}

impl Node {
    /// Waits until the snapshot satisfies `is_so`.
    async fn until(&self, is_so: impl FnMut(&Snapshot) -> bool) {
        let mut snapshot = self.handle.wires.snapshot.clone();
        let seen = tokio::time::timeout(DEADLINE, snapshot.wait_for(is_so)).await;
        drop(seen.expect("in time").expect("the driver runs"));
    }

    /// Waits until exactly `count` peers are connected and have introduced themselves.
    async fn peers(&self, count: usize) {
        self.until(|snapshot| {
            let known = snapshot
                .peers
                .iter()
                .filter(|peer| !peer.status.agent.is_empty());
            snapshot.peers.len() == count && known.count() == count
        })
        .await;
    }

    /// The first event that `pick` takes.
    async fn event<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                let event = self.events.recv().await.expect("the driver runs");
                if let Some(found) = pick(event) {
                    return found;
                }
            }
        });
        found.await.expect("in time")
    }

    /// The next input.
    async fn input(&mut self) -> Input {
        let input = tokio::time::timeout(DEADLINE, self.inputs.recv());
        input.await.expect("in time").expect("the driver runs")
    }

    /// The next gossiped transactions.
    async fn transactions(&mut self) -> (PeerId, Bytes) {
        loop {
            if let Input::Transactions { from, bytes } = self.input().await {
                return (from, bytes);
            }
        }
    }

    /// Waits until `count` peers have told that they take `channel`.
    async fn subscribed(&mut self, channel: Channel, count: usize) {
        for _ in 0..count {
            self.event(|event| {
                matches!(event, Event::PeerSubscribed(_, one) if one == channel).then_some(())
            })
            .await;
        }
    }

    async fn order(&self, command: Command) {
        assert!(self.handle.wires.commands.send(command).await.is_ok());
    }

    async fn publish(&self, topic: Topic, bytes: &'static [u8]) {
        self.order(Command::Publish(topic, Bytes::from_static(bytes)))
            .await;
    }

    /// The publisher of the next message with these bytes.
    async fn heard(&mut self, channel: Channel, wanted: &'static [u8]) -> Option<EnginePeerId> {
        self.event(|event| match event {
            Event::ConsensusMessage(one, _, publisher, bytes)
                if one == channel && bytes == wanted =>
            {
                Some(publisher)
            }
            Event::LivenessMessage(Channel::Liveness, from, bytes)
                if channel == Channel::Liveness && bytes == wanted =>
            {
                Some(Some(from))
            }
            _ => None,
        })
        .await
    }

    fn address(&self) -> Multiaddr {
        self.handle.listening()[0].clone()
    }
}

async fn everything_flows(listen: &str) {
    let mut nodes = network(4, listen).await;
    nodes[0].publish(Topic::Consensus, b"vote").await;
    nodes[0].publish(Topic::ProposalParts, b"part").await;
    nodes[0].publish(Topic::Status, b"status").await;
    for node in &mut nodes[1..] {
        assert_eq!(
            node.heard(Channel::Consensus, b"vote").await,
            Some(engine_id(1))
        );
    }
    nodes[0]
        .handle
        .publish_transactions(Bytes::from_static(b"transactions"));
    nodes[0].publish(Topic::Liveness, b"certificate").await;
    for node in &mut nodes[1..] {
        node.heard(Channel::Liveness, b"certificate").await;
        let (from, bytes) = node.transactions().await;
        assert_eq!((from, &bytes[..]), (peer(1), &b"transactions"[..]));
    }
    nodes[3].publish(Topic::ProposalParts, b"second part").await;
    nodes[3].publish(Topic::Status, b"second status").await;
    let publisher = nodes[0].heard(Channel::ProposalParts, b"second part").await;
    assert_eq!(publisher, Some(engine_id(4)));
    assert_eq!(
        nodes[0].heard(Channel::Sync, b"second status").await,
        Some(engine_id(4))
    );
    let status = nodes[0].handle.peers();
    assert_eq!(status.len(), 3);
    assert!(
        status
            .iter()
            .all(|peer| peer.inbound_bytes > 0 && peer.outbound_bytes > 0)
    );
    for node in &nodes {
        node.handle.shutdown().await;
    }
}

#[tokio::test]
async fn full_peers_exchange_votes_parts_statuses_and_transactions_over_tcp() {
    everything_flows(TCP).await;
}

#[tokio::test]
async fn full_peers_exchange_votes_parts_statuses_and_transactions_over_quic() {
    everything_flows(QUIC).await;
}

#[tokio::test]
async fn a_message_reaches_a_peer_with_which_its_publisher_has_no_connection() {
    let mut nodes = Vec::new();
    for seed in 1..=3 {
        nodes.push(start(seed, config(TCP), CHAIN, Admitted::default()).await);
    }
    let (ends, middle) = ([0, 2], 1);
    for end in ends {
        let list = admitted(&[(1, None), (2, Some(&nodes[middle])), (3, None)]);
        nodes[end].handle.admit(list);
    }
    nodes[middle]
        .handle
        .admit(admitted(&[(1, None), (2, None), (3, None)]));
    nodes[middle].subscribed(Channel::ProposalParts, 2).await;
    nodes[0].subscribed(Channel::ProposalParts, 1).await;
    nodes[2].subscribed(Channel::ProposalParts, 1).await;
    // The mesh may not stand yet: what is said before is told again by the gossip heartbeat.
    nodes[0]
        .publish(Topic::ProposalParts, b"around the corner")
        .await;
    let publisher = nodes[2]
        .heard(Channel::ProposalParts, b"around the corner")
        .await;
    assert_eq!(publisher, Some(engine_id(1)));
    assert_eq!(nodes[2].handle.peers().len(), 1);
}
