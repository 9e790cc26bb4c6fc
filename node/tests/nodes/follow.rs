//! Nodes of members that see only what is their own.

use bytes::Bytes;
use chipledger_ledger::fixture::{genesis, id};
use chipledger_node::follow::proofs::file_name;
use chipledger_node::follow::{Follower, is_narrow};
use chipledger_node::network::{
    Network, PeerStatus, Refusal, Request, RequestError, RequestKind, Response,
};
use chipledger_node::node::Node;
use chipledger_node::serve::wire::{HeadersAsked, HeadersTold, OwnAsked, OwnListed};
use chipledger_node::snapshots::first_admitted;
use chipledger_proof::check::{Statement, check};
use chipledger_proof::trust::Pin;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::ids::{Height, ItemNumber, MemberId};

use crate::support::{
    Answers, Bare, Ledger, address, code, config, copy, get, honest, peer_id, peer_key, wait_until,
};

/// A ledger with five chips of the fab's, of which one is used by an operator, and three of a
/// distributor's.
fn ledger(dir: &std::path::Path) -> Ledger {
    let mut ledger = Ledger::create(dir);
    ledger.register("FAB", "FAB:1000..1004", "TW-FAB");
    ledger.register("DIST", "DIST:1..3", "SG-HUB");
    ledger.tell("FAB:1003", 13);
    ledger
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_of_a_fab_follows_headers_and_keeps_proofs_of_its_own_items() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let ledger = ledger(&dir.join("ledger"));
    let (head, block) = (
        ledger.store.head(),
        ledger.store.header(Height(9)).unwrap().unwrap(),
    );
    drop(ledger);
    let mut sources = Vec::new();
    for member in ["REG-1", "CUSTOMS-TW"] {
        let folder = dir.join(member);
        copy(&dir.join("ledger"), &folder.join("data/ledger"));
        sources.push(Node::start(config(&folder, member, &[])).await.unwrap());
    }
    let addresses: Vec<_> = sources
        .iter()
        .map(|node| address(&node.handle.network))
        .collect();
    let config = config(&dir.join("FAB"), "FAB", &addresses);
    assert!(is_narrow(&config).unwrap());
    let node = Follower::start(config.clone()).await.unwrap();
    let handle = node.handle.clone();
    wait_until("all headers and proofs are here", || {
        handle.headers.height() == head.header.height && handle.proofs.list().len() == 5
    })
    .await;
    for item in ["FAB:1000", "FAB:1003"] {
        let file = config.proofs_dir().join(file_name(&id(item)));
        let verdict = check(
            &std::fs::read(file).unwrap(),
            &Pin::Genesis(genesis().hash()),
        )
        .unwrap();
        let Statement::Item(stated) = verdict.statement else {
            panic!("{item}");
        };
        assert_eq!((stated.id, stated.owner), (id(item), id("FAB")));
    }
    let api = node.api.address();
    let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
    let (status, body) = get(api, "/v1/status").await;
    assert_eq!(status, 200);
    assert_eq!(
        json(&body)["ledger"]["height"],
        serde_json::json!(head.header.height)
    );
    let (status, body) = get(api, "/v1/checkpoint").await;
    assert_eq!(
        (status, &json(&body)["hash"]),
        (200, &serde_json::json!(head.hash()))
    );
    let (status, body) = get(api, "/v1/blocks/9").await;
    assert_eq!(
        (status, &json(&body)["hash"]),
        (200, &serde_json::json!(block.0.hash()))
    );
    let (status, body) = get(api, "/v1/proofs/item/FAB:1001").await;
    assert_eq!(status, 200);
    check(&body, &Pin::Genesis(genesis().hash())).unwrap();
    for path in [
        "/v1/compute",
        "/v1/items/FAB:1000",
        "/v1/proofs/item/DIST:1",
        "/v1/proofs/book",
        "/v1/blocks/9?transactions=true",
    ] {
        let (status, body) = get(api, path).await;
        assert_eq!(
            (status, code(&body).as_str()),
            (403, "narrow_view"),
            "{path}"
        );
    }
    let (status, _) = get(api, "/v1/nonsense").await;
    assert_eq!(status, 404);
    node.shutdown().await;
    // It stands where it stood when it starts again, before any peer says anything.
    let alone = crate::support::config(&dir.join("FAB"), "FAB", &[]);
    let again = Follower::start(alone).await.unwrap();
    assert_eq!(again.handle.headers.height(), head.header.height);
    assert_eq!(again.handle.proofs.list().len(), 5);
    again.shutdown().await;
    for node in sources {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_peer_is_refused_blocks_state_and_others_items() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("REG-1");
    drop(ledger(&folder.join("data/ledger")));
    let node = Node::start(config(&folder, "REG-1", &[])).await.unwrap();
    let fab = config(
        &temporary.path().join("FAB"),
        "FAB",
        &[address(&node.handle.network)],
    );
    let admitted = first_admitted(&fab, &genesis(), peer_key("FAB").key.public());
    let registry = arc_malachitebft_metrics::SharedRegistry::new(
        arc_malachitebft_metrics::Registry::default(),
        None,
    );
    let (network, _inputs) = Network::start_without_engine(
        fab.network.clone(),
        peer_key("FAB").keypair().unwrap(),
        genesis().hash(),
        admitted.with_narrow(peer_id("FAB"), id("FAB")),
        &registry,
    )
    .await
    .unwrap();
    wait_until("the peers know each other", || {
        network.peers().iter().any(|peer| !peer.agent.is_empty())
    })
    .await;
    let source = peer_id("REG-1");
    let ask = |kind, body: Vec<u8>| {
        let body = body.into();
        network.request(source, Request { kind, body })
    };
    for kind in [
        RequestKind::Blocks,
        RequestKind::SnapshotManifest,
        RequestKind::SnapshotChunk,
    ] {
        let refused = ask(kind, Vec::new()).await;
        assert_eq!(
            refused,
            Err(RequestError::Refused(Refusal::NotAllowed)),
            "{kind:?}"
        );
    }
    let own = |asked: &OwnAsked| ask(RequestKind::OwnLeaves, encode(asked));
    let listed = own(&OwnAsked::List {
        from: ItemNumber(0),
    })
    .await
    .unwrap();
    let listed: OwnListed = decode(&listed).unwrap();
    let names: Vec<_> = listed
        .items
        .iter()
        .map(|own| own.item.to_string())
        .collect();
    assert_eq!(
        names,
        ["FAB:1000", "FAB:1001", "FAB:1002", "FAB:1003", "FAB:1004"]
    );
    for other in ["DIST:1", "DIST:99"] {
        let refused = own(&OwnAsked::Proof { item: id(other) }).await;
        assert_eq!(
            refused,
            Err(RequestError::Refused(Refusal::NotAllowed)),
            "{other}"
        );
    }
    let malformed = ask(RequestKind::OwnLeaves, vec![9, 9, 9]).await;
    assert_eq!(malformed, Err(RequestError::Refused(Refusal::Malformed)));
    let headers = ask(
        RequestKind::Headers,
        encode(&HeadersAsked { from: Height(3) }),
    )
    .await;
    let told: HeadersTold = decode(&headers.unwrap()).unwrap();
    assert_eq!(told.headers[0].header.height, Height(3));
    network.shutdown().await;
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_forges_a_header_or_a_proof_is_not_believed_and_the_others_are_followed() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let ledger = ledger(&dir.join("ledger"));
    let head = ledger.store.head().header.height;
    let mut truth = honest(&ledger.store, dir.join("none"), "FAB");
    let forges_headers: Answers = Box::new(move |request| {
        let response = truth(request);
        let Some(Response::Found(bytes)) = &response else {
            return response;
        };
        if request.kind != RequestKind::Headers {
            return response;
        }
        let mut told: HeadersTold = decode(bytes).unwrap();
        for certified in &mut told.headers {
            certified.header.state_root = chipledger_schemas::hash::Hash::ZERO;
        }
        Some(Response::Found(encode(&told).into()))
    });
    let mut truth = honest(&ledger.store, dir.join("none"), "FAB");
    let forges_proofs: Answers = Box::new(move |request| {
        let response = truth(request);
        let is_proof = request.kind == RequestKind::OwnLeaves
            && matches!(decode(&request.body), Ok(OwnAsked::Proof { .. }));
        match response {
            Some(Response::Found(bytes)) if is_proof => {
                let mut bytes = bytes.to_vec();
                bytes[40] ^= 1;
                Some(Response::Found(Bytes::from(bytes)))
            }
            other => other,
        }
    });
    let one = Bare::start(dir, "INSPECTOR", forges_headers).await;
    let two = Bare::start(dir, "CUSTOMS-US", forges_proofs).await;
    let good = Bare::start(dir, "REG-1", honest(&ledger.store, dir.join("none"), "FAB")).await;
    let addresses = [one.address(), two.address(), good.address()];
    let mut config = config(&dir.join("FAB"), "FAB", &addresses);
    config.follow.refresh_s = 0;
    let node = Follower::start(config).await.unwrap();
    let handle = node.handle.clone();
    wait_until("everything is here", || {
        handle.headers.height() == head && handle.proofs.list().len() == 5
    })
    .await;
    wait_until("all are connected, or banned", || {
        let peers = handle.network.peers();
        let liars = handle.standing.borrow().liars.clone();
        let connected = |member: &MemberId| {
            let known = |peer: &PeerStatus| peer.member == *member && !peer.agent.is_empty();
            peers.iter().any(known) || liars.contains(member)
        };
        [id("INSPECTOR"), id("CUSTOMS-US"), id("REG-1")]
            .iter()
            .all(connected)
    })
    .await;
    let mut ledger = ledger;
    let mut told = 0;
    // Each of them is the first to be asked in one of three blocks.
    while told < 20 {
        let liars = handle.standing.borrow().liars.clone();
        if [id("INSPECTOR"), id("CUSTOMS-US")]
            .iter()
            .all(|liar| liars.contains(liar))
        {
            break;
        }
        // Before the block, after which own items may have been looked at any time.
        let rounds = handle.standing.borrow().rounds;
        ledger.tell("FAB:1003", 1);
        told += 1;
        let head = ledger.height();
        wait_until("the next header is here", || {
            handle.headers.height() == head
        })
        .await;
        wait_until("own items were looked at", || {
            handle.standing.borrow().rounds > rounds
        })
        .await;
    }
    let mut liars = handle.standing.borrow().liars.clone();
    liars.sort();
    assert_eq!(
        liars,
        [id("CUSTOMS-US"), id("INSPECTOR")],
        "after {told} blocks"
    );
    assert_eq!(handle.standing.borrow().alarm, None);
    node.shutdown().await;
}
