//! Gossip: every message is judged before it is delivered or passed on.

use std::sync::atomic::Ordering;
use std::time::Instant;

use arc_malachitebft_network::Event;
use bytes::Bytes;
use libp2p::PeerId;
use libp2p::gossipsub::{self, MessageAcceptance, PublishError, TopicHash};
use tracing::{debug, error};

use super::super::conduct::Verdict;
use super::super::handle::Input;
use super::super::topics::Topic;
use super::Driver;

impl Driver {
    pub(super) fn publish(&mut self, topic: Topic, bytes: Bytes) {
        let (got, most) = (bytes.len(), topic.bytes_max(&self.parts.config.limits));
        if got > most {
            self.parts.metrics.dropped(topic, "too large to publish");
            error!(
                topic = topic.word(),
                got, most, "too large to publish: raise the limit"
            );
            return;
        }
        let ident = self.parts.names.ident(topic);
        let gossip = &mut self.parts.swarm.behaviour_mut().full.inner.gossip;
        match gossip.publish(ident, bytes) {
            Ok(_) => self.parts.metrics.published(topic),
            Err(PublishError::NoPeersSubscribedToTopic) => {
                self.parts.metrics.dropped(topic, "no peers");
            }
            Err(error) => {
                self.parts.metrics.dropped(topic, "not published");
                debug!(topic = topic.word(), %error, "not published");
            }
        }
    }

    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let acceptance = self.judge(propagation_source, message);
                let gossip = &mut self.parts.swarm.behaviour_mut().full.inner.gossip;
                gossip.report_message_validation_result(
                    &message_id,
                    &propagation_source,
                    acceptance,
                );
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                self.subscribed(peer_id, &topic, true);
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                self.subscribed(peer_id, &topic, false);
            }
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                debug!(
                    member = self.member(&peer_id),
                    ?failed_messages,
                    "peer reads too slowly"
                );
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                debug!(member = self.member(&peer_id), "peer does not gossip");
            }
        }
    }

    fn subscribed(&mut self, id: PeerId, hash: &TopicHash, now_subscribed: bool) {
        let Some(topic) = self.parts.names.topic(hash) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let changed = if now_subscribed {
            peer.topics.insert(topic)
        } else {
            peer.topics.remove(&topic)
        };
        let Some(channel) = topic
            .channel()
            .filter(|_| changed && peer.introduced.is_some())
        else {
            return;
        };
        let id = Self::engine_id(&id);
        self.parts.engine.send(if now_subscribed {
            Event::PeerSubscribed(id, channel)
        } else {
            Event::PeerUnsubscribed(id, channel)
        });
    }

    /// Delivers a message that may be delivered, and says whether to pass it on.
    ///
    /// The neighbour that brought it pays for it, never the publisher: old messages of an honest
    /// publisher could be replayed to use up its allowance.
    fn judge(&mut self, from: PeerId, message: gossipsub::Message) -> MessageAcceptance {
        let Some(topic) = self.parts.names.topic(&message.topic) else {
            return MessageAcceptance::Reject;
        };
        let now = Instant::now();
        let Some(conduct) = self.conduct.get_mut(&from) else {
            return MessageAcceptance::Ignore;
        };
        let verdict = conduct.message(topic, now);
        if verdict != Verdict::Fine {
            self.parts.metrics.dropped(topic, "peer too fast");
            self.punish(from, verdict);
            return MessageAcceptance::Ignore;
        }
        let full = &self.parts.swarm.behaviour().full;
        let Some(publisher) = message.source.filter(|source| full.serves(source)) else {
            // A member that was suspended a moment ago may still be heard through others.
            self.parts.metrics.dropped(topic, "publisher not admitted");
            if let Some(conduct) = self.conduct.get_mut(&from) {
                let verdict = conduct.offence(now);
                self.punish(from, verdict);
            }
            return MessageAcceptance::Ignore;
        };
        if message.data.len() > topic.bytes_max(&self.parts.config.limits) {
            self.parts.metrics.dropped(topic, "too large");
            return MessageAcceptance::Reject;
        }
        self.deliver(topic, from, publisher, message.data.into())
    }

    fn deliver(
        &mut self,
        topic: Topic,
        from: PeerId,
        publisher: PeerId,
        bytes: Bytes,
    ) -> MessageAcceptance {
        let size = bytes.len();
        let (neighbour, source) = (Self::engine_id(&from), Self::engine_id(&publisher));
        let event = match topic {
            Topic::Transactions => {
                let input = Input::Transactions {
                    from: publisher,
                    bytes,
                };
                if self.parts.inputs.try_send(input).is_err() {
                    // Not passed on either: who cannot keep up must not fill the others.
                    self.parts.metrics.dropped(topic, "mempool busy");
                    return MessageAcceptance::Ignore;
                }
                self.parts.metrics.received(topic, size);
                return MessageAcceptance::Accept;
            }
            // A status invites requests, which need a connection to its publisher.
            Topic::Status if !self.peers.contains_key(&publisher) => {
                return MessageAcceptance::Accept;
            }
            Topic::Status => {
                let channel = arc_malachitebft_network::Channel::Sync;
                Event::ConsensusMessage(channel, source, Some(source), bytes)
            }
            Topic::Liveness => {
                let channel = arc_malachitebft_network::Channel::Liveness;
                Event::LivenessMessage(channel, neighbour, bytes)
            }
            Topic::Consensus => {
                let channel = arc_malachitebft_network::Channel::Consensus;
                Event::ConsensusMessage(channel, neighbour, Some(source), bytes)
            }
            Topic::ProposalParts => {
                let channel = arc_malachitebft_network::Channel::ProposalParts;
                Event::ConsensusMessage(channel, neighbour, Some(source), bytes)
            }
        };
        let backlog = self.parts.engine.backlog.load(Ordering::Relaxed);
        if backlog > self.parts.config.limits.backlog_bytes_max {
            self.parts.metrics.dropped(topic, "engine busy");
            return MessageAcceptance::Ignore;
        }
        self.parts.metrics.received(topic, size);
        self.parts.engine.send(event);
        MessageAcceptance::Accept
    }
}
