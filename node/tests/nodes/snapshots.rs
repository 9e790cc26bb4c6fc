//! Beginning with a peer's snapshot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use chipledger_ledger::audit::check_books;
use chipledger_ledger::fixture::{genesis, id};
use chipledger_ledger::store::Store;
use chipledger_ledger::store::snapshot::{ListedChunk, Manifest, read_manifest, snapshots};
use chipledger_node::network::{Refusal, RequestKind, Response};
use chipledger_node::node::Node;
use chipledger_node::snapshots::fetch::{Fetched, Patience};
use chipledger_node::snapshots::fetch_with;
use chipledger_schemas::encode::decode;
use chipledger_schemas::hash::SNAPSHOT_CHUNK;
use chipledger_schemas::ids::{Height, MemberId};

use crate::support::{Answers, Bare, Ledger, address, config, copy, honest, peer_key, wait_until};

/// A ledger of five chunks with a snapshot at height 12, and blocks with corrections behind it.
struct Told {
    temporary: tempfile::TempDir,
    ledger: Ledger,
    manifest: Manifest,
}

fn told(blocks_after: u64) -> Told {
    let temporary = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(&temporary.path().join("ledger"));
    for first in [1_000_000, 2_000_000] {
        ledger.register("FAB", &format!("FAB:{first}..{}", first + 9_999), "TW-FAB");
    }
    ledger.tell("FAB:1000007", 10);
    let manifest = ledger
        .store
        .snapshot_to(&temporary.path().join("snapshots"))
        .unwrap();
    assert!(manifest.chunks.len() >= 4, "{}", manifest.chunks.len());
    ledger.tell("FAB:1000007", blocks_after);
    Told {
        temporary,
        ledger,
        manifest,
    }
}

impl Told {
    fn path(&self) -> &Path {
        self.temporary.path()
    }

    fn snapshots(&self) -> PathBuf {
        self.path().join("snapshots")
    }

    fn honest(&self) -> Answers {
        honest(&self.ledger.store, self.snapshots(), "REG-3")
    }

    /// Lets REG-3 fetch from the peers given.
    async fn fetch(&self, peers: &[&Bare]) -> Option<Fetched> {
        let addresses: Vec<_> = peers.iter().map(|peer| peer.address()).collect();
        let config = config(&self.path().join("REG-3"), "REG-3", &addresses);
        fetch_with(&config, &genesis(), &peer_key("REG-3"), patience())
            .await
            .unwrap()
    }

    /// What REG-3 has made of it.
    fn made(&self) -> Store {
        Store::open(&self.path().join("REG-3/data/ledger")).unwrap()
    }
}

fn patience() -> Patience {
    Patience {
        first_peer: Duration::from_secs(20),
        other_peers: Duration::from_secs(1),
        offer: Duration::from_secs(2),
        chunk: Duration::from_secs(20),
    }
}

fn members(names: &[&str]) -> std::collections::BTreeSet<MemberId> {
    names.iter().map(|name| id(name)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_begins_with_a_snapshot_and_where_it_stopped() {
    // What comes behind a snapshot needs validators: the networks of `testnet/tests` have some.
    let told = told(0);
    let (height, head) = (told.manifest.height(), told.ledger.store.head());
    let Told {
        temporary, ledger, ..
    } = told;
    drop(ledger);
    let dir = temporary.path();
    let mut sources = Vec::new();
    for member in ["REG-1", "REG-2"] {
        let folder = dir.join(member);
        copy(&dir.join("ledger"), &folder.join("data/ledger"));
        copy(&dir.join("snapshots"), &folder.join("data/snapshots"));
        let node = Node::start(config(&folder, member, &[])).await.unwrap();
        sources.push(node);
    }
    let addresses: Vec<_> = sources
        .iter()
        .map(|node| address(&node.handle.network))
        .collect();
    let mut config = config(&dir.join("REG-3"), "REG-3", &addresses);
    config.history.start_from_snapshot = true;
    let fresh = Node::start(config.clone()).await.unwrap();
    let store = fresh.handle.store.clone();
    assert_eq!(store.first_height().unwrap(), height.next());
    assert_eq!(store.head(), head);
    assert_eq!(store.block(height).unwrap(), None, "no block before it");
    check_books(&store.view()).unwrap();
    drop(store);
    // A node that stops takes a snapshot of where it stands, and begins where it stood.
    fresh.shutdown().await;
    assert_eq!(
        snapshots(&config.snapshots_dir()).unwrap(),
        [head.header.height]
    );
    let again = Node::start(config).await.unwrap();
    assert_eq!(again.handle.store.head(), head);
    again.shutdown().await;
    for node in sources {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_come_from_several_peers_and_who_sends_a_wrong_one_is_banned() {
    let told = told(0);
    let mut truth = told.honest();
    let lies: Answers = Box::new(move |request| {
        let Some(Response::Found(bytes)) = truth(request) else {
            return None;
        };
        let mut bytes = bytes.to_vec();
        if request.kind == RequestKind::SnapshotChunk {
            bytes[100] ^= 1;
        }
        Some(Response::Found(bytes.into()))
    });
    let liar = Bare::start(told.path(), "INSPECTOR", lies).await;
    let first = Bare::start(told.path(), "REG-1", told.honest()).await;
    let second = Bare::start(told.path(), "REG-2", told.honest()).await;
    let fetched = told.fetch(&[&liar, &first, &second]).await.unwrap();
    assert_eq!(fetched.height, told.manifest.height());
    assert_eq!(fetched.liars, members(&["INSPECTOR"]));
    assert_eq!(fetched.sources, 2, "both honest ones gave their part");
    let asked = liar.asked(RequestKind::SnapshotChunk);
    assert!((1..=4).contains(&asked), "{asked} chunks asked of a liar");
    assert_eq!(told.made().head().header, *told.manifest.header());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_whose_chunks_are_not_the_certified_state_bans_its_sender() {
    let mut told = told(3);
    // The liar's snapshot is of a later height, which a quorum certified: it is tried first.
    let later = told.path().join("later");
    let mut false_manifest = told.ledger.store.snapshot_to(&later).unwrap();
    let chunk = read(&later, &false_manifest, 0);
    let mut altered = chunk.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    false_manifest.chunks[0] = ListedChunk {
        digest: SNAPSHOT_CHUNK.hash(&altered),
        bytes: false_manifest.chunks[0].bytes,
    };
    let manifest = false_manifest.clone();
    let lies: Answers = Box::new(move |request| {
        Some(match request.kind {
            RequestKind::SnapshotManifest => Response::Found(manifest.bytes().into()),
            RequestKind::SnapshotChunk => {
                let asked: chipledger_node::serve::wire::ChunkAsked =
                    decode(&request.body).unwrap();
                let listed = manifest
                    .chunks
                    .iter()
                    .position(|c| c.digest == asked.digest);
                match listed {
                    Some(0) => Response::Found(Bytes::from(altered.clone())),
                    Some(index) => Response::Found(read(&later, &manifest, index).into()),
                    None => Response::Refused(Refusal::NotFound),
                }
            }
            _ => Response::Refused(Refusal::NotFound),
        })
    });
    let liar = Bare::start(told.path(), "INSPECTOR", lies).await;
    let honest = Bare::start(told.path(), "REG-1", told.honest()).await;
    let fetched = told.fetch(&[&liar, &honest]).await.unwrap();
    assert_eq!(fetched.liars, members(&["INSPECTOR"]));
    assert_eq!(fetched.height, told.manifest.height());
    assert_eq!(told.made().head().header, *told.manifest.header());
    told.ledger.tell("FAB:1000007", 1);
}

fn read(dir: &Path, manifest: &Manifest, index: usize) -> Vec<u8> {
    let digest = &manifest.chunks[index].digest;
    let name = dir
        .join(manifest.height().to_string())
        .join(digest.to_string());
    std::fs::read(name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_height_that_nobody_certified_is_not_believed() {
    let told = told(0);
    let mut boast = told.manifest.clone();
    boast.trust.header.height = Height(1_000_000);
    let lies: Answers = Box::new(move |_| Some(Response::Found(Bytes::from(boast.bytes()))));
    let liar = Bare::start(told.path(), "INSPECTOR", lies).await;
    let honest = Bare::start(told.path(), "REG-1", told.honest()).await;
    let fetched = told.fetch(&[&liar, &honest]).await.unwrap();
    assert_eq!(fetched.liars, members(&["INSPECTOR"]));
    assert_eq!(fetched.height, told.manifest.height());
    assert_eq!(liar.asked(RequestKind::SnapshotChunk), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_fetch_goes_on_where_it_was() {
    let told = told(0);
    let chunks = told.manifest.chunks.len();
    let mut truth = told.honest();
    let mut given = 0;
    // Gives two chunks, then is silent.
    let slow: Answers = Box::new(move |request| {
        if request.kind == RequestKind::SnapshotChunk {
            given += 1;
            if given > 2 {
                return None;
            }
        }
        truth(request)
    });
    let first = Bare::start(told.path(), "REG-1", slow).await;
    let staging = told.path().join("REG-3/data/ledger.import");
    let two_are_here = || {
        let files = std::fs::read_dir(&staging).map_or(0, Iterator::count);
        // The manifest and two chunks.
        files >= 3
    };
    let peers = [&first];
    tokio::select! {
        _ = told.fetch(&peers) => panic!("it cannot end"),
        () = wait_until("two chunks are here", two_are_here) => {}
    }
    drop(first);
    let second = Bare::start(told.path(), "REG-2", told.honest()).await;
    let fetched = told.fetch(&[&second]).await.unwrap();
    assert_eq!(fetched.chunks_before, 2);
    assert_eq!(second.asked(RequestKind::SnapshotChunk), chunks - 2);
    assert!(!staging.exists(), "what was collected is gone");
    assert_eq!(told.made().head().header, *told.manifest.header());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_snapshot_anywhere_a_node_begins_at_genesis() {
    let told = told(0);
    let none: Answers = Box::new(|_| Some(Response::Refused(Refusal::NotFound)));
    let peer = Bare::start(told.path(), "REG-1", none).await;
    assert_eq!(told.fetch(&[&peer]).await, None);
    assert!(!told.path().join("REG-3/data/ledger").exists());
    let kept = read_manifest(&told.snapshots(), told.manifest.height());
    assert_eq!(kept.unwrap(), told.manifest);
}
