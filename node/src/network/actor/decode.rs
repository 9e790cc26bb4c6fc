//! What the driver delivers, decoded for the engine. What cannot be decoded is dropped: its
//! sender has signed for it, and the log names the sender.

use std::sync::atomic::Ordering;

use arc_malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{Context, Height as _};
use arc_malachitebft_engine::consensus::ConsensusCodec;
use arc_malachitebft_engine::network::{NetworkEvent, Status};
use arc_malachitebft_engine::sync::SyncCodec;
use arc_malachitebft_network::{Channel, Event, PeerIdExt as _};
use arc_malachitebft_peer::PeerId;
use arc_malachitebft_sync::{InboundRequestId, OutboundRequestId, RawMessage};
use arc_malachitebft_sync::{Request, Status as SyncStatus};
use bytes::Bytes;
use tracing::warn;

use super::super::command::Command;
use super::{CodecOf, NetworkActor, State};

impl<Ctx, Codec> NetworkActor<Ctx, Codec>
where
    Ctx: Context,
    Codec: ConsensusCodec<Ctx> + SyncCodec<Ctx>,
{
    /// Passes an event of the driver on to the engine.
    pub(super) async fn deliver(&self, state: &mut State<Ctx>, event: Event) {
        let event = match event {
            Event::Sync(RawMessage::Request {
                request_id,
                peer,
                body,
            }) => {
                let Some(request) = self.decode::<Request<Ctx>>(peer, "sync request", body) else {
                    self.order(Command::SyncReply(request_id, None)).await;
                    return;
                };
                let id = InboundRequestId::new(request_id);
                state.inbound.insert(id.clone(), request_id);
                Some(NetworkEvent::SyncRequest(id, peer, request))
            }
            Event::Sync(RawMessage::Response {
                request_id,
                peer,
                body,
            }) => {
                let response = self.decode(peer, "sync response", body);
                let id = OutboundRequestId::new(request_id);
                Some(NetworkEvent::SyncResponse(id, peer, response))
            }
            Event::ConsensusMessage(channel, from, publisher, bytes) => {
                self.gossip(channel, from, publisher, bytes)
            }
            Event::LivenessMessage(_, from, bytes) => self.liveness(from, bytes),
            other => state.change(other),
        };
        if let Some(event) = event {
            state.output.send(event);
        }
    }

    fn decode<T>(&self, from: PeerId, what: &'static str, bytes: Bytes) -> Option<T>
    where
        Codec: CodecOf<T>,
    {
        match self.codec.decode(bytes) {
            Ok(message) => Some(message),
            Err(error) => {
                warn!(%from, what, %error, "cannot be decoded, dropped");
                None
            }
        }
    }

    fn gossip(
        &self,
        channel: Channel,
        from: PeerId,
        publisher: Option<PeerId>,
        bytes: Bytes,
    ) -> Option<NetworkEvent<Ctx>> {
        match channel {
            Channel::Consensus => {
                let message = self.decode(from, "vote or proposal", bytes)?;
                Some(match message {
                    SignedConsensusMsg::Vote(vote) => NetworkEvent::Vote(from, vote),
                    SignedConsensusMsg::Proposal(one) => NetworkEvent::Proposal(from, one),
                })
            }
            Channel::ProposalParts => {
                let part = self.decode(from, "proposal part", bytes)?;
                Some(NetworkEvent::ProposalPart(from, publisher, part))
            }
            Channel::Sync => {
                let status: SyncStatus<Ctx> = self.decode(from, "status", bytes)?;
                if status.peer_id != from {
                    warn!(%from, "status in the name of another peer, dropped");
                    return None;
                }
                let meter = self.meters.of(&from.to_libp2p());
                let height = status.tip_height.as_u64();
                meter.height.store(height, Ordering::Relaxed);
                let status = Status::new(status.tip_height, status.history_min_height);
                Some(NetworkEvent::Status(from, status))
            }
            Channel::Liveness => None,
        }
    }

    fn liveness(&self, from: PeerId, bytes: Bytes) -> Option<NetworkEvent<Ctx>> {
        let message = self.decode(from, "certificate", bytes)?;
        Some(match message {
            LivenessMsg::PolkaCertificate(one) => NetworkEvent::PolkaCertificate(from, one),
            LivenessMsg::SkipRoundCertificate(one) => NetworkEvent::RoundCertificate(from, one),
            LivenessMsg::Vote(vote) => NetworkEvent::Vote(from, vote),
        })
    }
}

impl<Ctx: Context> State<Ctx> {
    /// Keeps what later subscribers must be told, and translates what carries no message.
    fn change(&mut self, event: Event) -> Option<NetworkEvent<Ctx>> {
        match event {
            Event::Listening(address) => {
                self.listening.push(address.clone());
                Some(NetworkEvent::Listening(address))
            }
            Event::PeerConnected(peer) => {
                self.peers.insert(peer);
                Some(NetworkEvent::PeerConnected(peer))
            }
            Event::PeerDisconnected(peer) => {
                self.peers.remove(&peer);
                self.subscriptions.retain(|(one, _)| *one != peer);
                Some(NetworkEvent::PeerDisconnected(peer))
            }
            Event::PeerSubscribed(peer, channel) => {
                let new = self.subscriptions.insert((peer, channel));
                new.then_some(NetworkEvent::PeerSubscribed(peer, channel))
            }
            Event::PeerUnsubscribed(peer, channel) => {
                self.subscriptions.remove(&(peer, channel));
                None
            }
            Event::SyncRequestFailed {
                request_id,
                peer,
                reason,
            } => {
                let id = OutboundRequestId::new(request_id);
                Some(NetworkEvent::SyncRequestFailed(id, peer, reason))
            }
            Event::SyncInboundRequestFailed { request_id, peer } => {
                let id = InboundRequestId::new(request_id);
                self.inbound.remove(&id);
                Some(NetworkEvent::SyncInboundRequestFailed(id, peer))
            }
            // Messages are decoded above; validator proofs are not part of this network.
            _ => None,
        }
    }
}
