//! Ledgers made without consensus, and nodes and bare peers that start with them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_malachitebft_metrics::{Registry, SharedRegistry};
use chipledger_ledger::chain::Slot;
use chipledger_ledger::fixture::{MODEL, genesis, id, key};
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_node::config::Config;
use chipledger_node::keys::{MemberKey, Purpose};
use chipledger_node::network::{
    Input, Network, NetworkConfig, NetworkHandle, Request, RequestKind, Response,
};
use chipledger_node::serve::Records;
use chipledger_node::snapshots::first_admitted;
use chipledger_proof::state::LastMovement;
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::ids::{Height, ItemId, MemberId};
use chipledger_schemas::movement::Movement;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Correct, Record, Register, SetUse};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

/// Longest wait for something that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub(crate) async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A ledger with one validator, whose key the test has.
pub(crate) struct Ledger {
    pub(crate) store: Store,
    /// Movements that stand of a chip, oldest first.
    moved: Vec<Movement>,
}

impl Ledger {
    pub(crate) fn create(dir: &Path) -> Self {
        Self {
            store: Store::create(dir, &genesis()).unwrap(),
            moved: Vec::new(),
        }
    }

    fn now(&self) -> Time {
        self.store.head().header.time.plus_ms(1_000)
    }

    /// A block of its own for one record.
    pub(crate) fn submit(&self, member: &str, record: Record) {
        let (genesis, bounds) = (self.store.genesis_hash(), self.store.genesis().bounds);
        let time = self.now();
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis,
            member: id(member),
            key: key(member).public(),
            signed_at: time,
            valid_from: time,
            valid_until: time.plus_ms(DAY_MS),
            records: vec![record],
        };
        let signed = body.sign(&key(member));
        let verified = VerifiedTransaction::verify(signed, &genesis, &bounds).unwrap();
        let slot = Slot {
            proposer: id("REG-1"),
            round: 0,
            clock: Time(0),
        };
        let proposal = self
            .store
            .decide(|ground| ground.propose(&slot, vec![verified]))
            .unwrap();
        assert_eq!(proposal.rejected, []);
        let (block, outcome) = proposal.into_block();
        let (height, hash) = (block.header.height, block.header.hash());
        let certificate = Certificate::solo(&genesis, height, hash, &id("REG-1"), &key("REG-1"));
        self.store
            .commit(&CertifiedBlock { block, certificate }, outcome)
            .unwrap();
    }

    pub(crate) fn register(&self, member: &str, items: &str, site: &str) {
        let origin = if member == "FAB" {
            Origin::Made
        } else {
            Origin::Unverified
        };
        self.submit(
            member,
            Record::Register(Register {
                items: id(items),
                model: id(MODEL),
                site: id(site),
                origin,
                lot: None,
                device_keys: Vec::new(),
                occurred_at: self.now(),
            }),
        );
    }

    /// Blocks in which a chip of the fab's gets users, one after the other, and loses them again by
    /// corrections, newest first: down to those before all of these blocks.
    pub(crate) fn tell(&mut self, chip: &str, blocks: u64) {
        for block in 0..blocks {
            if block % 5 < 3 || self.moved.len() < 2 {
                self.use_by(
                    chip,
                    ["OP", "OP-2", "GROUP", "DIST"][usize::try_from(block % 4).unwrap()],
                );
            } else {
                self.correct(chip);
            }
        }
    }

    fn movement(&self, chip: &str) -> LastMovement {
        let view = self.store.view();
        let number = view.item_number(&id::<ItemId>(chip)).unwrap();
        view.leaf(number).unwrap().movement
    }

    fn use_by(&mut self, chip: &str, user: &str) {
        self.submit(
            "FAB",
            Record::SetUse(SetUse {
                items: id(chip),
                user: Some(id(user)),
                occurred_at: self.now(),
            }),
        );
        let LastMovement::Known(movement) = self.movement(chip) else {
            panic!("it has just moved");
        };
        self.moved.push(movement);
    }

    fn correct(&mut self, chip: &str) {
        let movement = self.moved.pop().unwrap();
        let record = movement.record;
        let carried = match self.movement(chip) {
            LastMovement::Known(_) => Vec::new(),
            LastMovement::Below { .. } => vec![movement],
        };
        self.submit(
            "FAB",
            Record::Correct(Correct {
                items: id(chip),
                record,
                carried,
                replacement: None,
                reason: "wrong user".to_owned(),
            }),
        );
    }

    pub(crate) fn height(&self) -> Height {
        self.store.head().header.height
    }
}

/// Copies a folder of files and folders.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The peer key of a fixture member.
pub(crate) fn peer_key(member: &str) -> MemberKey {
    MemberKey {
        member: id(member),
        key: key(&format!("{member}'s peer")),
    }
}

pub(crate) fn peer_id(member: &str) -> PeerId {
    peer_key(member).keypair().unwrap().public().to_peer_id()
}

/// Where others dial a running network.
pub(crate) fn address(network: &NetworkHandle) -> Multiaddr {
    let mut address = network.listening()[0].clone();
    address.push(Protocol::P2p(network.local()));
    address
}

/// The folder of a member's node, with key and genesis document, and its configuration.
pub(crate) fn config(dir: &Path, member: &str, peers: &[Multiaddr]) -> Config {
    std::fs::create_dir_all(dir).unwrap();
    let key = dir.join("peer.json");
    if !key.exists() {
        peer_key(member).save(&key, Purpose::Peer).unwrap();
    }
    let document = serde_json::to_string(&genesis()).unwrap();
    std::fs::write(dir.join("genesis.json"), document).unwrap();
    let peers: Vec<_> = peers
        .iter()
        .map(|peer| format!("{:?}", peer.to_string()))
        .collect();
    let text = format!(
        "data = 'data'\ngenesis = 'genesis.json'\npeer_key = 'peer.json'\n\
         [network]\nlisten = ['/ip4/127.0.0.1/tcp/0']\npeers = [{}]\n\
         [api]\nlisten = '127.0.0.1:0'\n[consensus]\nquorum_wait_ms = 100\n",
        peers.join(", ")
    );
    std::fs::write(dir.join("node.toml"), text).unwrap();
    Config::load(&dir.join("node.toml")).unwrap()
}

/// What a bare peer answers: none, if it does not answer at all.
pub(crate) type Answers = Box<dyn FnMut(&Request) -> Option<Response> + Send>;

/// A peer that is no node: it answers by the records protocol what the test says.
pub(crate) struct Bare {
    pub(crate) network: NetworkHandle,
    /// Questions that came, by kind.
    pub(crate) asked: Arc<Mutex<BTreeMap<RequestKind, usize>>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Bare {
    pub(crate) async fn start(dir: &Path, member: &str, mut answers: Answers) -> Self {
        let config = config(&dir.join(member), member, &[]);
        let admitted = first_admitted(&config, &genesis(), peer_key(member).key.public());
        let admitted = admitted.with_narrow(peer_id(member), id(member));
        let listen = NetworkConfig {
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
            ..NetworkConfig::default()
        };
        let registry = SharedRegistry::new(Registry::default(), None);
        let keypair = peer_key(member).keypair().unwrap();
        let (network, mut inputs) =
            Network::start_without_engine(listen, keypair, genesis().hash(), admitted, &registry)
                .await
                .unwrap();
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let counted = asked.clone();
        let (stop, mut stopped) = oneshot::channel();
        tokio::spawn(async move {
            // Answers that are never given: dropped, the peer would be told that this one is busy.
            let mut held = Vec::new();
            loop {
                let input = tokio::select! {
                    input = inputs.recv() => input,
                    _ = &mut stopped => return,
                };
                let Some(input) = input else { return };
                if let Input::Request { request, reply, .. } = input {
                    *counted.lock().unwrap().entry(request.kind).or_insert(0) += 1;
                    match answers(&request) {
                        Some(response) => reply.send(response),
                        None => held.push(reply),
                    }
                }
            }
        });
        Self {
            network,
            asked,
            stop: Some(stop),
        }
    }

    pub(crate) fn address(&self) -> Multiaddr {
        address(&self.network)
    }

    pub(crate) fn asked(&self, kind: RequestKind) -> usize {
        self.asked.lock().unwrap().get(&kind).copied().unwrap_or(0)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

/// Honest answers from a ledger and its snapshots.
pub(crate) fn honest(store: &Store, snapshots: PathBuf, member: &str) -> Answers {
    let records = Records::new(store.clone(), snapshots);
    let member: MemberId = id(member);
    Box::new(move |request| Some(records.response(&member, request)))
}

/// Status and body of an HTTP answer.
pub(crate) async fn get(server: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    let path = path.to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(server).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let status = std::str::from_utf8(&answer[9..12])
        .unwrap()
        .parse()
        .unwrap();
    (status, answer[end + 4..].to_vec())
}

/// The code of an error's body.
pub(crate) fn code(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body["code"].as_str().unwrap_or_default().to_owned()
}
