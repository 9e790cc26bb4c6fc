//! Peers come, go, are suspended and return.

use super::*;

async fn a_suspended_peer_is_gone(listen: &str) {
    let mut nodes = network(3, listen).await;
    let list = admitted(&[(1, Some(&nodes[0])), (2, Some(&nodes[1]))]);
    nodes[0].handle.admit(list.clone());
    nodes[1].handle.admit(list);
    let lost = |event| matches!(event, Event::PeerDisconnected(_)).then_some(());
    nodes[0].event(lost).await;
    nodes[0].peers(1).await;
    nodes[1].peers(1).await;
    nodes[2].until(|snapshot| snapshot.peers.is_empty()).await;
    // It keeps trying and keeps being refused, and the others go on.
    let metrics = nodes[0].handle.wires.metrics.clone();
    nodes[0]
        .until(|_| metrics.refused_count("stranger") > 0)
        .await;
    nodes[0].publish(Topic::Consensus, b"without you").await;
    nodes[1].heard(Channel::Consensus, b"without you").await;
    // Reinstated, it is back without a restart.
    admit_all(&nodes);
    nodes[0].peers(2).await;
    nodes[2].subscribed(Channel::Consensus, 2).await;
    nodes[0].subscribed(Channel::Consensus, 1).await;
    nodes[0].publish(Topic::Consensus, b"welcome back").await;
    nodes[2].heard(Channel::Consensus, b"welcome back").await;
}

#[tokio::test]
async fn a_suspended_peer_is_disconnected_at_once_and_returns_when_reinstated() {
    a_suspended_peer_is_gone(TCP).await;
}

#[tokio::test]
async fn a_suspended_peer_is_disconnected_at_once_over_quic_too() {
    a_suspended_peer_is_gone(QUIC).await;
}

async fn a_restarted_peer_is_found_again(listen: &str) {
    let mut nodes = network(3, listen).await;
    let gone = nodes.pop().unwrap();
    let address = gone.address();
    gone.handle.shutdown().await;
    drop(gone);
    nodes[0].peers(1).await;
    let list = nodes[0].handle.wires.admitted.borrow().clone();
    let back = NetworkConfig {
        listen: vec![address],
        ..NetworkConfig::default()
    };
    nodes.push(start(3, back, CHAIN, list).await);
    nodes[2].subscribed(Channel::Consensus, 2).await;
    nodes[0].peers(2).await;
    nodes[0].subscribed(Channel::Consensus, 1).await;
    nodes[1].subscribed(Channel::Consensus, 1).await;
    nodes[2].publish(Topic::Consensus, b"I am back").await;
    nodes[0].heard(Channel::Consensus, b"I am back").await;
    nodes[1].heard(Channel::Consensus, b"I am back").await;
    nodes[0].publish(Topic::Consensus, b"so you are").await;
    nodes[2].heard(Channel::Consensus, b"so you are").await;
}

#[tokio::test]
async fn a_peer_restarted_on_the_same_port_is_found_again_over_tcp() {
    a_restarted_peer_is_found_again(TCP).await;
}

#[tokio::test]
async fn a_peer_restarted_on_the_same_port_is_found_again_over_quic() {
    a_restarted_peer_is_found_again(QUIC).await;
}

#[tokio::test]
async fn peers_that_dial_each_other_at_once_stay_connected() {
    for _ in 0..5 {
        let nodes = network(2, TCP).await;
        let ends = nodes[0].handle.wires.metrics.disconnects.get();
        assert_eq!(ends, 0, "no connection was lost on the way");
        nodes[0].handle.shutdown().await;
        nodes[1].handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    for listen in [TCP, QUIC] {
        let first = start(1, config(listen), CHAIN, Admitted::default()).await;
        let taken = NetworkConfig {
            listen: vec![first.address()],
            ..NetworkConfig::default()
        };
        let registry = SharedRegistry::new(Registry::default(), None);
        let admitted = Admitted::default();
        let second = Prepared::new(taken, keypair(2), CHAIN, admitted, &registry).await;
        let error = second.err().expect("refused").to_string();
        assert!(error.contains(&first.address().to_string()), "{error}");
        assert!(error.contains("change network.listen"), "{error}");
    }
}
