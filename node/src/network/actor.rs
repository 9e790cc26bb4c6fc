//! The engine's view of the network: an actor that translates between its messages and bytes.
//!
//! It decodes what the driver delivers and encodes what the engine sends. Nothing that a peer
//! sends, and no order that cannot be carried out, stops it: the engine treats the end of this
//! actor as a failure of the node.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_malachitebft_codec::Codec as CodecOf;
use arc_malachitebft_core_types::{Context, SigningScheme, Validator as _, ValidatorSet as _};
use arc_malachitebft_engine::consensus::ConsensusCodec;
use arc_malachitebft_engine::network::{
    Msg, NetworkEvent, PersistentPeerError, PersistentPeersOp, Status, Subscriber,
};
use arc_malachitebft_engine::sync::SyncCodec;
use arc_malachitebft_engine::util::output_port::OutputPort;
use arc_malachitebft_network::{Channel, Multiaddr, PeerIdExt as _, ValidatorInfo};
use arc_malachitebft_peer::PeerId;
use arc_malachitebft_sync::{
    InboundRequestId, OutboundRequestId, Request, Response, Status as SyncStatus,
};
use async_trait::async_trait;
use bytes::Bytes;
use libp2p::request_response;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::command::{AddressChange, Command};
use super::driver::cost;
use super::meter::Meters;
use super::topics::Topic;

mod decode;

/// Events kept for a subscriber that is slow to take them; the oldest are lost beyond it.
const EVENTS_KEPT: usize = 1_024;

/// See the module.
pub(super) struct NetworkActor<Ctx, Codec> {
    codec: Codec,
    local: PeerId,
    commands: mpsc::Sender<Command>,
    backlog: Arc<AtomicUsize>,
    meters: Meters,
    context: PhantomData<fn() -> Ctx>,
}

/// What later subscribers are told first, and where events go.
pub(super) struct State<Ctx: Context> {
    listening: Vec<Multiaddr>,
    peers: BTreeSet<PeerId>,
    subscriptions: HashSet<(PeerId, Channel)>,
    output: OutputPort<NetworkEvent<Ctx>>,
    inbound: HashMap<InboundRequestId, request_response::InboundRequestId>,
}

impl<Ctx, Codec> NetworkActor<Ctx, Codec>
where
    Ctx: Context,
    Codec: ConsensusCodec<Ctx> + SyncCodec<Ctx>,
{
    pub(super) fn new(
        codec: Codec,
        local: libp2p::PeerId,
        commands: mpsc::Sender<Command>,
        backlog: Arc<AtomicUsize>,
        meters: Meters,
    ) -> Self {
        let local = PeerId::from_libp2p(&local);
        Self {
            codec,
            local,
            commands,
            backlog,
            meters,
            context: PhantomData,
        }
    }

    /// Encodes one of the engine's messages; None, with a log line, if it has no encoding.
    fn encode<T>(&self, what: &'static str, message: &T) -> Option<Bytes>
    where
        Codec: CodecOf<T>,
    {
        match self.codec.encode(message) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                warn!(what, %error, "cannot be encoded, not sent");
                None
            }
        }
    }

    async fn order(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            debug!("the network has stopped");
        }
    }

    async fn publish(&self, topic: Topic, bytes: Option<Bytes>) {
        if let Some(bytes) = bytes {
            self.order(Command::Publish(topic, bytes)).await;
        }
    }

    async fn ask(&self, peer: PeerId, request: &Request<Ctx>) -> Option<OutboundRequestId> {
        let bytes = self.encode("sync request", request)?;
        let (reply, id) = oneshot::channel();
        self.order(Command::SyncRequest(peer.to_libp2p(), bytes, reply))
            .await;
        id.await.ok().map(OutboundRequestId::new)
    }

    async fn answer(&self, state: &mut State<Ctx>, id: &InboundRequestId, bytes: Option<Bytes>) {
        // The request may be gone: its connection closed, or the engine gave it up.
        if let Some(id) = state.inbound.remove(id) {
            self.order(Command::SyncReply(id, bytes)).await;
        }
    }

    async fn change_address(
        &self,
        operation: PersistentPeersOp,
    ) -> Result<(), PersistentPeerError> {
        let (change, address, failure) = match operation {
            PersistentPeersOp::Add(address) => (
                AddressChange::Add,
                address,
                PersistentPeerError::AlreadyExists,
            ),
            PersistentPeersOp::Remove(address) => (
                AddressChange::Remove,
                address,
                PersistentPeerError::NotFound,
            ),
        };
        let (reply, changed) = oneshot::channel();
        self.order(Command::Address(change, address, reply)).await;
        match changed.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(failure),
            Err(_) => Err(PersistentPeerError::NetworkStopped),
        }
    }

    async fn publish_status(&self, status: Status<Ctx>) {
        let status = SyncStatus {
            peer_id: self.local,
            tip_height: status.tip_height,
            history_min_height: status.history_min_height,
        };
        self.publish(Topic::Status, self.encode("status", &status))
            .await;
    }

    async fn answer_with(
        &self,
        state: &mut State<Ctx>,
        id: &InboundRequestId,
        response: &Response<Ctx>,
    ) {
        let bytes = self.encode("sync response", response);
        self.answer(state, id, bytes).await;
    }
}

#[async_trait]
impl<Ctx, Codec> Actor for NetworkActor<Ctx, Codec>
where
    Ctx: Context,
    Codec: ConsensusCodec<Ctx> + SyncCodec<Ctx>,
{
    type Msg = Msg<Ctx>;
    type State = State<Ctx>;
    type Arguments = ();

    async fn pre_start(
        &self,
        _myself: ActorRef<Msg<Ctx>>,
        _arguments: (),
    ) -> Result<State<Ctx>, ActorProcessingErr> {
        Ok(State {
            listening: Vec::new(),
            peers: BTreeSet::new(),
            subscriptions: HashSet::new(),
            output: OutputPort::with_capacity(EVENTS_KEPT),
            inbound: HashMap::new(),
        })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Msg<Ctx>>,
        message: Msg<Ctx>,
        state: &mut State<Ctx>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Subscribe(subscriber) => state.subscribe(&*subscriber),
            Msg::PublishConsensusMsg(message) => {
                self.publish(Topic::Consensus, self.encode("vote or proposal", &message))
                    .await;
            }
            Msg::PublishLivenessMsg(message) => {
                self.publish(Topic::Liveness, self.encode("certificate", &message))
                    .await;
            }
            Msg::PublishProposalPart(part) => {
                self.publish(Topic::ProposalParts, self.encode("proposal part", &part))
                    .await;
            }
            Msg::BroadcastStatus(status) => self.publish_status(status).await,
            Msg::OutgoingRequest(peer, request, reply) => {
                if let Some(id) = self.ask(peer, &request).await {
                    let _gone = reply.send(id);
                }
            }
            // The transport cannot take a request back; a late answer finds no taker.
            Msg::CancelRequest(id) => debug!(%id, "block sync request given up"),
            Msg::OutgoingResponse(id, response) => self.answer_with(state, &id, &response).await,
            Msg::CancelInboundRequest(id) => self.answer(state, &id, None).await,
            Msg::DumpState(reply) => {
                let (dump, dumped) = oneshot::channel();
                self.order(Command::Dump(dump)).await;
                let _gone = reply.send(dumped.await.ok());
            }
            Msg::UpdatePersistentPeers(operation, reply) => {
                let _gone = reply.send(self.change_address(operation).await);
            }
            Msg::UpdateValidatorSet(set) => {
                self.order(Command::Validators(validators::<Ctx>(&set)))
                    .await;
            }
            // Peers are bound to members by the peer keys on the ledger; no proof is asked for.
            Msg::ValidatorProofVerified { .. } => {}
            Msg::NewEvent(event) => {
                let bytes = cost(&event);
                self.deliver(state, event).await;
                self.backlog.fetch_sub(bytes, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Msg<Ctx>>,
        _state: &mut State<Ctx>,
    ) -> Result<(), ActorProcessingErr> {
        let (done, stopped) = oneshot::channel();
        self.order(Command::Shutdown(done)).await;
        let _already = stopped.await;
        Ok(())
    }
}

impl<Ctx: Context> State<Ctx> {
    /// Tells a new subscriber what it has missed, then everything that comes.
    fn subscribe(&self, subscriber: &dyn Subscriber<NetworkEvent<Ctx>>) {
        for address in &self.listening {
            subscriber.send(NetworkEvent::Listening(address.clone()));
        }
        for peer in &self.peers {
            subscriber.send(NetworkEvent::PeerConnected(*peer));
        }
        for (peer, channel) in &self.subscriptions {
            subscriber.send(NetworkEvent::PeerSubscribed(*peer, *channel));
        }
        subscriber.subscribe_to_port(&self.output);
    }
}

fn validators<Ctx: Context>(set: &Ctx::ValidatorSet) -> Vec<ValidatorInfo> {
    let describe = |validator: &Ctx::Validator| ValidatorInfo {
        address: validator.address().to_string(),
        public_key: Ctx::SigningScheme::encode_public_key(validator.public_key()),
        voting_power: validator.voting_power(),
    };
    set.iter().map(describe).collect()
}
