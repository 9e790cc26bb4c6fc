//! The one task that owns the swarm: orders come in, events go out.

mod connections;
mod gossip;
mod requests;
mod status;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_malachitebft_network::{Channel, Event, PeerIdExt as _, ValidatorInfo};
use arc_malachitebft_peer::PeerId as EnginePeerId;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use libp2p::swarm::{ConnectionId, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, request_response};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use self::requests::{Answered, SyncChannel};
use super::admission::Admitted;
use super::behaviour::{Behaviour, BehaviourEvent, ConsensusEvent};
use super::command::{AddressChange, Command};
use super::conduct::Conduct;
use super::config::NetworkConfig;
use super::handle::{Direction, Input, RequestError, Snapshot};
use super::meter::Meters;
use super::metrics::Metrics;
use super::records::Response;
use super::redial::Redial;
use super::topics::{Names, Topic};

/// How often the driver looks after dials, lockouts and counters.
const TICK: Duration = Duration::from_millis(100);

/// The engine's side: where decoded events go, and how many bytes of them wait there.
#[derive(Clone)]
pub(super) struct EnginePort {
    /// Hands an event to the actor; never blocks.
    pub(super) send: Arc<dyn Fn(Event) + Send + Sync>,
    /// Bytes handed over and not handled yet; the actor subtracts.
    pub(super) backlog: Arc<AtomicUsize>,
}

impl EnginePort {
    fn send(&self, event: Event) {
        self.backlog.fetch_add(cost(&event), Ordering::Relaxed);
        (self.send)(event);
    }
}

/// What an event weighs in the backlog, bytes.
pub(super) fn cost(event: &Event) -> usize {
    let payload = match event {
        Event::ConsensusMessage(_, _, _, bytes) | Event::LivenessMessage(_, _, bytes) => {
            bytes.len()
        }
        _ => 0,
    };
    payload.saturating_add(256)
}

/// A peer with at least one connection.
struct Peer {
    connections: Vec<(ConnectionId, Multiaddr, Direction)>,
    since: SystemTime,
    established: Instant,
    /// What Identify said; None until then.
    introduced: Option<(String, String)>,
    topics: BTreeSet<Topic>,
    unanswered_pings: u32,
}

/// What the driver is made of.
pub(super) struct Parts {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) config: NetworkConfig,
    pub(super) names: Names,
    pub(super) meters: Meters,
    pub(super) metrics: Metrics,
    pub(super) engine: EnginePort,
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) snapshot: watch::Sender<Snapshot>,
    pub(super) listening: Vec<Multiaddr>,
}

/// Where orders come from.
pub(super) struct Orders {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) transactions: mpsc::Receiver<Bytes>,
    pub(super) admitted: watch::Receiver<Admitted>,
}

/// See the module.
pub(super) struct Driver {
    parts: Parts,
    admitted: Admitted,
    redial: Redial,
    peers: BTreeMap<PeerId, Peer>,
    conduct: BTreeMap<PeerId, Conduct>,
    validators: Vec<ValidatorInfo>,
    sync_channels: HashMap<request_response::InboundRequestId, (PeerId, SyncChannel)>,
    asked: HashMap<
        request_response::OutboundRequestId,
        oneshot::Sender<Result<Response, RequestError>>,
    >,
    answering: FuturesUnordered<Answered>,
}

impl Driver {
    pub(super) fn new(parts: Parts) -> Self {
        let local = *parts.swarm.local_peer_id();
        let redial = Redial::new(local, &parts.config.peers);
        Self {
            parts,
            admitted: Admitted::default(),
            redial,
            peers: BTreeMap::new(),
            conduct: BTreeMap::new(),
            validators: Vec::new(),
            sync_channels: HashMap::new(),
            asked: HashMap::new(),
            answering: FuturesUnordered::new(),
        }
    }

    /// Runs until told to stop or until every handle is gone.
    pub(super) async fn run(mut self, mut orders: Orders) {
        let listening = self.parts.listening.clone();
        for address in listening {
            self.parts.engine.send(Event::Listening(address));
        }
        let first = orders.admitted.borrow_and_update().clone();
        self.admit(first);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopped = loop {
            tokio::select! {
                event = self.parts.swarm.select_next_some() => self.on_event(event),
                command = orders.commands.recv() => match command {
                    Some(Command::Shutdown(done)) => break Some(done),
                    Some(command) => self.obey(command),
                    None => break None,
                },
                Some(bytes) = orders.transactions.recv() => {
                    self.publish(Topic::Transactions, bytes);
                }
                Some(answer) = self.answering.next(), if !self.answering.is_empty() => {
                    self.answer(answer);
                }
                Ok(()) = orders.admitted.changed() => {
                    let admitted = orders.admitted.borrow_and_update().clone();
                    self.admit(admitted);
                }
                _ = tick.tick() => self.tick(Instant::now()),
            }
        };
        self.say_goodbye().await;
        drop(self);
        if let Some(done) = stopped {
            let _nobody_waits = done.send(());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Publish(topic, bytes) => self.publish(topic, bytes),
            Command::SyncRequest(peer, bytes, reply) => {
                let sync = &mut self.parts.swarm.behaviour_mut().full.inner.sync;
                let id = sync.send_request(peer, bytes);
                let _gone = reply.send(id);
            }
            Command::SyncReply(id, bytes) => self.sync_reply(id, bytes),
            Command::Ask(peer, request, reply) => self.ask(peer, request, reply),
            Command::Address(change, address, reply) => {
                let changed = match change {
                    AddressChange::Add => self.redial.remember(&address),
                    AddressChange::Remove => self.redial.forget(&address),
                };
                self.redial.admit(&self.admitted, Instant::now());
                let _gone = reply.send(changed);
            }
            Command::LockOut(peer) => self.lock_out_liar(peer),
            Command::Validators(validators) => self.validators = validators,
            Command::Dump(reply) => {
                let _gone = reply.send(self.dump());
            }
            // Ends the loop before it comes here.
            Command::Shutdown(done) => drop(done),
        }
    }

    /// Takes over a new allow-list: the gate disconnects whom it does not name any more.
    fn admit(&mut self, admitted: Admitted) {
        let now = Instant::now();
        let behaviour = self.parts.swarm.behaviour_mut();
        let local = behaviour.full.local_view();
        behaviour.full.admit(&admitted);
        behaviour.gate.admit(&admitted);
        if behaviour.full.local_view() != local {
            behaviour.gate.close_all();
        }
        self.parts.meters.keep(admitted.0.keys().copied());
        self.redial.admit(&admitted, now);
        self.conduct.retain(|peer, _| admitted.get(peer).is_some());
        self.admitted = admitted;
        self.dial(now);
    }

    fn tick(&mut self, now: Instant) {
        self.dial(now);
        self.part_with_the_silent(now);
        self.lock_out_bad_scores(now);
        self.refresh();
    }

    fn engine_id(peer: &PeerId) -> EnginePeerId {
        EnginePeerId::from_libp2p(peer)
    }

    /// The member whose peer it is, for logs.
    fn member(&self, peer: &PeerId) -> String {
        match self.admitted.get(peer) {
            Some(entry) => entry.member.to_string(),
            None => peer.to_string(),
        }
    }

    async fn say_goodbye(&mut self) {
        self.parts.swarm.behaviour_mut().gate.close_all();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
        while self.parts.swarm.connected_peers().next().is_some() {
            let next = self.parts.swarm.select_next_some();
            if tokio::time::timeout_at(deadline, next).await.is_err() {
                break;
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            other => self.on_connection(other),
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(event) => self.on_identify(event),
            BehaviourEvent::Ping(event) => self.on_ping(&event),
            BehaviourEvent::Records(event) => self.on_records(event),
            BehaviourEvent::Full(ConsensusEvent::Gossip(event)) => self.on_gossip(event),
            BehaviourEvent::Full(ConsensusEvent::Sync(event)) => self.on_sync(event),
            BehaviourEvent::Gate(never) | BehaviourEvent::Limits(never) => match never {},
        }
    }
}

impl Peer {
    /// The topics that the engine knows, by its names for them.
    fn channels(&self) -> impl Iterator<Item = Channel> {
        self.topics.iter().filter_map(|topic| topic.channel())
    }
}
