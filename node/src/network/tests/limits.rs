//! A peer over its limits is slowed, ignored or locked out; the others notice nothing.

use super::*;

/// Two full nodes of which the second has these limits.
async fn limited(limits: Limits) -> (Node, Node) {
    let sender = start(1, config(TCP), CHAIN, Admitted::default()).await;
    let config = NetworkConfig {
        limits,
        ..config(TCP)
    };
    let mut receiver = start(2, config, CHAIN, Admitted::default()).await;
    let list = admitted(&[(1, Some(&sender)), (2, Some(&receiver))]);
    sender.handle.admit(list.clone());
    receiver.handle.admit(list);
    receiver.peers(1).await;
    receiver.subscribed(Channel::Consensus, 1).await;
    let mut sender = sender;
    sender.subscribed(Channel::Consensus, 1).await;
    (sender, receiver)
}

#[tokio::test]
async fn a_flood_of_transactions_is_dropped_while_votes_pass() {
    let limits = Limits {
        transaction_messages_per_second: 1,
        ..Limits::default()
    };
    let (sender, mut receiver) = limited(limits).await;
    for index in 0..100_u8 {
        sender
            .order(Command::Publish(
                Topic::Transactions,
                Bytes::from(vec![index]),
            ))
            .await;
    }
    sender.publish(Topic::Consensus, b"vote").await;
    receiver.heard(Channel::Consensus, b"vote").await;
    let dropped = receiver
        .handle
        .wires
        .metrics
        .dropped_count(Topic::Transactions, "peer too fast");
    assert!(dropped >= 90, "{dropped}");
    let mut taken = 0;
    while let Ok(input) = receiver.inputs.try_recv() {
        taken += usize::from(matches!(input, Input::Transactions { .. }));
    }
    assert!(taken <= 10, "{taken}");
    assert_eq!(
        receiver.handle.peers().len(),
        1,
        "a short flood does not cost the connection"
    );
}

#[tokio::test]
async fn a_flood_that_goes_on_is_locked_out() {
    let limits = Limits {
        transaction_messages_per_second: 1,
        ..Limits::default()
    };
    let (sender, receiver) = limited(limits).await;
    let lockouts = receiver.handle.wires.metrics.lockouts.clone();
    for index in 0..4_000_u16 {
        let bytes = Bytes::copy_from_slice(&index.to_be_bytes());
        sender
            .order(Command::Publish(Topic::Transactions, bytes))
            .await;
    }
    receiver
        .until(|snapshot| lockouts.get() > 0 && snapshot.peers.is_empty())
        .await;
    let metrics = &receiver.handle.wires.metrics;
    receiver
        .until(|_| metrics.refused_count("locked_out") > 0)
        .await;
}

#[tokio::test]
async fn a_message_above_its_topics_limit_is_neither_sent_nor_taken() {
    let limits = Limits {
        transactions_bytes_max: 1_000,
        ..Limits::default()
    };
    let (sender, mut receiver) = limited(limits).await;
    receiver
        .handle
        .publish_transactions(Bytes::from(vec![0; 1_001]));
    let metrics = &receiver.handle.wires.metrics;
    assert_eq!(
        metrics.dropped_count(Topic::Transactions, "too large to publish"),
        1
    );
    sender
        .handle
        .publish_transactions(Bytes::from(vec![0; 3_000]));
    sender
        .handle
        .publish_transactions(Bytes::from_static(b"small"));
    let (_, bytes) = receiver.transactions().await;
    assert_eq!(bytes, &b"small"[..]);
}

#[tokio::test]
async fn a_request_above_the_limit_of_the_asked_peer_is_not_read() {
    let limits = Limits {
        request_bytes_max: 1_000,
        ..Limits::default()
    };
    let (sender, mut receiver) = limited(limits).await;
    let request = |bytes| Request {
        kind: RequestKind::Headers,
        body: Bytes::from(vec![0; bytes]),
    };
    let answer = sender.handle.request(peer(2), request(1_001)).await;
    assert!(
        matches!(answer, Err(RequestError::NoAnswer(_))),
        "{answer:?}"
    );
    let answer = sender.handle.request(peer(2), request((1 << 20) + 1)).await;
    assert!(
        matches!(answer, Err(RequestError::TooLarge { .. })),
        "{answer:?}"
    );
    while let Ok(input) = receiver.inputs.try_recv() {
        assert!(!matches!(input, Input::Request { .. }));
    }
}

#[tokio::test]
async fn requests_above_the_rate_are_refused_as_busy() {
    let limits = Limits {
        requests_per_second: 1,
        ..Limits::default()
    };
    let (sender, mut receiver) = limited(limits).await;
    let answering = tokio::spawn(async move {
        while let Some(input) = receiver.inputs.recv().await {
            if let Input::Request { reply, .. } = input {
                reply.send(Response::Found(Bytes::new()));
            }
        }
    });
    let mut busy = 0;
    for _ in 0..20 {
        let request = Request {
            kind: RequestKind::Headers,
            body: Bytes::new(),
        };
        let answer = sender.handle.request(peer(2), request).await;
        busy += usize::from(answer == Err(RequestError::Refused(Refusal::Busy)));
    }
    assert!(busy >= 10, "{busy}");
    answering.abort();
}

#[tokio::test]
async fn a_peer_that_sends_faster_than_its_rate_is_slowed_and_loses_nothing() {
    let limits = Limits {
        inbound_bytes_per_second: 1 << 20,
        ..Limits::default()
    };
    let (sender, mut receiver) = limited(limits).await;
    for part in 0..3_u8 {
        let bytes = Bytes::from(vec![part; 800_000]);
        sender
            .order(Command::Publish(Topic::ProposalParts, bytes))
            .await;
    }
    for _ in 0..3 {
        receiver
            .event(|event| match event {
                Event::ConsensusMessage(Channel::ProposalParts, _, _, bytes) => {
                    (bytes.len() == 800_000).then_some(())
                }
                _ => None,
            })
            .await;
    }
    let meter = receiver.handle.wires.meters.of(&peer(1));
    assert!(meter.waits.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    let limits = Limits {
        connections_per_address: 2,
        ..Limits::default()
    };
    let config = NetworkConfig {
        limits,
        ..config(TCP)
    };
    let node = start(1, config, CHAIN, admitted(&[(1, None)])).await;
    let address = node.address();
    let port = address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    // Sockets that never say a word hold their places until the handshake times out.
    let connect = || std::net::TcpStream::connect(("127.0.0.1", port.unwrap())).unwrap();
    let sockets: Vec<_> = (0..4).map(|_| connect()).collect();
    let metrics = &node.handle.wires.metrics;
    node.until(|_| metrics.refused_count("address_busy") >= 2)
        .await;
    drop(sockets);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_ended() {
    let limits = Limits {
        handshake_timeout_ms: 200,
        ..Limits::default()
    };
    let config = NetworkConfig {
        limits,
        ..config(TCP)
    };
    let node = start(1, config, CHAIN, admitted(&[(1, None)])).await;
    let text = node.address().to_string();
    let port: u16 = text.rsplit('/').next().unwrap().parse().unwrap();
    let socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let metrics = &node.handle.wires.metrics;
    node.until(|_| metrics.refused_count("handshake") > 0).await;
    drop(socket);
}
