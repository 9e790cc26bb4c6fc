//! Observers of members that see only their own items, and the records protocol.

use futures::FutureExt as _;
use libp2p::request_response;
use libp2p::swarm::SwarmEvent;

use super::super::behaviour::ConsensusEvent;
use super::strangers::Hostile;
use super::*;

/// A full node 1, a full node 2, and node 3 that is an observer with the narrow view.
async fn with_observer() -> Vec<Node> {
    let mut nodes = Vec::new();
    for seed in 1..=3 {
        nodes.push(start(seed, config(TCP), CHAIN, Admitted::default()).await);
    }
    let all: Vec<_> = (1..=3).zip(nodes.iter().map(Some)).collect();
    let list = with_own(admitted(&all), 3);
    nodes
        .iter()
        .for_each(|node| node.handle.admit(list.clone()));
    for node in &nodes {
        node.peers(2).await;
    }
    nodes
}

fn question(kind: RequestKind) -> Request {
    Request {
        kind,
        body: Bytes::from_static(b"question"),
    }
}

/// Asks from one node and answers at the other.
async fn asked(from: &Node, to: &mut Node, kind: RequestKind) -> Result<Bytes, RequestError> {
    let id = to.handle.local();
    let answer = from.handle.request(id, question(kind));
    tokio::pin!(answer);
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            input = to.input() => if let Input::Request { from: asking, request, reply, .. } = input
            {
                assert_eq!(asking, from.handle.local());
                assert_eq!(request, question(kind));
                reply.send(Response::Found(Bytes::from_static(b"answer")));
            },
        }
    }
}

#[tokio::test]
async fn an_observer_gets_headers_and_own_leaves_but_neither_blocks_nor_gossip() {
    let mut nodes = with_observer().await;
    let observer = nodes.pop().unwrap();
    let found = Ok(Bytes::from_static(b"answer"));
    let refused = Err(RequestError::Refused(Refusal::NotAllowed));
    for kind in RequestKind::ALL {
        let expected = if kind.open_to(View::Own) {
            &found
        } else {
            &refused
        };
        assert_eq!(
            &asked(&observer, &mut nodes[0], kind).await,
            expected,
            "{kind:?}"
        );
    }
    nodes[0].subscribed(Channel::ProposalParts, 1).await;
    nodes[0]
        .publish(Topic::ProposalParts, b"for full peers")
        .await;
    nodes[1]
        .heard(Channel::ProposalParts, b"for full peers")
        .await;
    let mut observer = observer;
    while let Ok(event) = observer.events.try_recv() {
        assert!(
            matches!(event, Event::Listening(_)),
            "an observer's engine is told {event:?}"
        );
    }
}

#[tokio::test]
async fn an_observer_that_speaks_the_full_protocols_all_the_same_is_not_answered() {
    let mut node = start(1, config(TCP), CHAIN, Admitted::default()).await;
    let second = start(2, config(TCP), CHAIN, Admitted::default()).await;
    let peers = [(1, Some(&node)), (2, Some(&second)), (66, None)];
    let list = with_own(admitted(&peers), 66);
    node.handle.admit(list.clone());
    second.handle.admit(list);
    node.subscribed(Channel::ProposalParts, 1).await;
    let mut observer = Hostile::new(66, peer(1));
    observer.swarm.dial(node.address()).unwrap();
    let failure = loop {
        match observer.next().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                let sync = &mut observer.swarm.behaviour_mut().sync;
                sync.send_request(peer_id, Bytes::from_static(b"give me blocks"));
            }
            SwarmEvent::Behaviour(ConsensusEvent::Sync(
                request_response::Event::OutboundFailure { error, .. },
            )) => break error,
            SwarmEvent::Behaviour(ConsensusEvent::Gossip(
                event @ libp2p::gossipsub::Event::Message { .. },
            )) => panic!("the observer hears {event:?}"),
            _ => {}
        }
    };
    let unsupported = request_response::OutboundFailure::UnsupportedProtocols;
    assert_eq!(failure.to_string(), unsupported.to_string());
    node.publish(Topic::ProposalParts, b"for full peers").await;
    let mut second = second;
    second
        .heard(Channel::ProposalParts, b"for full peers")
        .await;
    while let Some(event) = observer.swarm.next_event_now() {
        let message = matches!(
            event,
            SwarmEvent::Behaviour(ConsensusEvent::Gossip(
                libp2p::gossipsub::Event::Message { .. }
            ))
        );
        assert!(!message, "the observer hears {event:?}");
    }
}

/// What a swarm has to say without waiting.
trait NextNow {
    type Event;
    fn next_event_now(&mut self) -> Option<Self::Event>;
}

impl NextNow for libp2p::Swarm<super::super::behaviour::Consensus> {
    type Event = SwarmEvent<ConsensusEvent>;
    fn next_event_now(&mut self) -> Option<Self::Event> {
        futures::StreamExt::select_next_some(self).now_or_never()
    }
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_as_busy_and_an_absent_peer_is_named_so() {
    let mut nodes = network(2, TCP).await;
    let asking = nodes[0].handle.clone();
    let question = asking.request(peer(2), question(RequestKind::Headers));
    let drops_it = async {
        loop {
            if let Input::Request { reply, .. } = nodes[1].input().await {
                return drop(reply);
            }
        }
    };
    let (answer, ()) = tokio::join!(question, drops_it);
    assert_eq!(answer, Err(RequestError::Refused(Refusal::Busy)));
    let request = Request {
        kind: RequestKind::Headers,
        body: Bytes::new(),
    };
    assert_eq!(
        asking.request(peer(9), request).await,
        Err(RequestError::NotConnected)
    );
}

#[tokio::test]
async fn a_peer_whose_view_widens_comes_back_with_gossip() {
    let mut nodes = with_observer().await;
    admit_all(&nodes);
    nodes[0].subscribed(Channel::ProposalParts, 2).await;
    nodes[2].subscribed(Channel::ProposalParts, 2).await;
    nodes[0].publish(Topic::ProposalParts, b"for all").await;
    nodes[2].heard(Channel::ProposalParts, b"for all").await;
}
