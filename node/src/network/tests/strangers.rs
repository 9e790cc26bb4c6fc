//! A stranger gets nothing: the two hostile peers that the engine's own network lets in.

use arc_malachitebft_sync::RawMessage;
use futures::StreamExt as _;
use libp2p::swarm::{ConnectionError, Swarm, SwarmEvent};

use super::super::behaviour::{Consensus, ConsensusEvent};
use super::super::meter::Meters;
use super::*;

/// A peer that speaks gossip and block sync, and neither identifies itself nor answers pings.
pub(super) struct Hostile {
    pub(super) swarm: Swarm<Consensus>,
    meters: Meters,
}

impl Hostile {
    pub(super) fn new(seed: u8, target: PeerId) -> Self {
        let (names, limits) = (Names::new(&CHAIN), Limits::default());
        let meters = Meters::new(limits.inbound_bytes_per_second);
        meters.keep([target].into_iter());
        let transport = transport::build(&keypair(seed), &limits, meters.clone()).unwrap();
        let behaviour = Consensus::new(&keypair(seed), &names, &limits).unwrap();
        let config = swarm::Config::with_tokio_executor()
            .with_idle_connection_timeout(Duration::from_mins(10));
        Self {
            swarm: Swarm::new(transport, behaviour, peer(seed), config),
            meters,
        }
    }

    /// Bytes of any protocol that the target has sent.
    pub(super) fn received(&self, target: &PeerId) -> u64 {
        self.meters.of(target).inbound_bytes.load(Ordering::Relaxed)
    }

    pub(super) async fn next(&mut self) -> SwarmEvent<ConsensusEvent> {
        let event = tokio::time::timeout(DEADLINE, self.swarm.select_next_some());
        event.await.expect("in time")
    }

    /// Dials, asks for blocks, and listens until the target hangs up.
    async fn attack(&mut self, target: &Node) -> Option<ConnectionError> {
        self.swarm.dial(target.address()).unwrap();
        loop {
            match self.next().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    let sync = &mut self.swarm.behaviour_mut().sync;
                    sync.send_request(peer_id, Bytes::from_static(b"give me blocks"));
                }
                SwarmEvent::ConnectionClosed { cause, .. } => return cause,
                SwarmEvent::OutgoingConnectionError { .. } => return None,
                SwarmEvent::Behaviour(ConsensusEvent::Gossip(event)) => {
                    panic!("a stranger hears {event:?}");
                }
                _ => {}
            }
        }
    }
}

async fn a_stranger_gets_nothing(listen: &str) {
    let mut nodes = network(2, listen).await;
    let mut stranger = Hostile::new(66, peer(1));
    for attempt in 0..3 {
        nodes[0].publish(Topic::ProposalParts, b"secret").await;
        let _cause = stranger.attack(&nodes[0]).await;
        assert_eq!(stranger.received(&peer(1)), 0, "attempt {attempt}");
    }
    let metrics = &nodes[0].handle.wires.metrics;
    assert!(metrics.refused_count("stranger") >= 3);
    assert_eq!(nodes[0].handle.peers().len(), 1);
    // Those who belong here noticed nothing.
    nodes[1].publish(Topic::Consensus, b"vote").await;
    nodes[0].heard(Channel::Consensus, b"vote").await;
    while let Ok(event) = nodes[0].events.try_recv() {
        assert!(
            !matches!(event, Event::Sync(RawMessage::Request { .. })),
            "{event:?}"
        );
    }
}

#[tokio::test]
async fn a_stranger_without_identify_is_denied_and_gets_zero_bytes_over_tcp() {
    a_stranger_gets_nothing(TCP).await;
}

#[tokio::test]
async fn a_stranger_without_identify_is_denied_and_gets_zero_bytes_over_quic() {
    a_stranger_gets_nothing(QUIC).await;
}

#[tokio::test]
async fn the_same_hostile_peer_hears_everything_once_it_is_admitted() {
    // The counterpart of the tests above: it is the gate that keeps strangers out, not a
    // mistake in the hostile peer.
    let node = start(1, config(TCP), CHAIN, admitted(&[(1, None), (66, None)])).await;
    let mut hostile = Hostile::new(66, peer(1));
    hostile.swarm.dial(node.address()).unwrap();
    let mut again = tokio::time::interval(Duration::from_millis(100));
    let heard = async {
        loop {
            tokio::select! {
                _ = again.tick() => node.publish(Topic::ProposalParts, b"not secret").await,
                event = hostile.swarm.select_next_some() => {
                    if let SwarmEvent::Behaviour(ConsensusEvent::Gossip(
                        libp2p::gossipsub::Event::Message { message, .. },
                    )) = event
                    {
                        return message.data;
                    }
                }
            }
        }
    };
    let heard = tokio::time::timeout(DEADLINE, heard)
        .await
        .expect("in time");
    assert_eq!(heard, b"not secret");
    assert!(hostile.received(&peer(1)) > 0);
}

#[tokio::test]
async fn a_dialled_address_that_answers_with_another_key_is_not_the_peer() {
    let impostor = start(66, config(TCP), CHAIN, admitted(&[(1, None), (66, None)])).await;
    let mut list = admitted(&[(1, None), (2, None)]);
    list.0.get_mut(&peer(2)).unwrap().addresses = impostor.handle.listening();
    let node = start(1, config(TCP), CHAIN, list).await;
    let failures = node.handle.wires.metrics.dial_failures.clone();
    node.until(|_| failures.get() >= 2).await;
    assert!(node.handle.peers().is_empty());
    assert!(
        impostor
            .handle
            .peers()
            .iter()
            .all(|peer| peer.agent.is_empty())
    );
}

#[tokio::test]
async fn a_peer_of_another_ledger_has_no_protocol_in_common() {
    let other = GenesisHash(Hash([2; 32]));
    let foreign = start(2, config(TCP), other, admitted(&[(1, None), (2, None)])).await;
    let list = admitted(&[(1, None), (2, Some(&foreign))]);
    let mut node = start(1, config(TCP), CHAIN, list).await;
    // Whoever reads the other's introduction first hangs up.
    let lockouts = [&node, &foreign].map(|node| node.handle.wires.metrics.lockouts.clone());
    node.until(|_| lockouts.iter().any(|count| count.get() > 0))
        .await;
    while let Ok(event) = node.events.try_recv() {
        assert!(matches!(event, Event::Listening(_)), "{event:?}");
    }
}
