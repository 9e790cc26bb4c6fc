//! What is gossiped, under which names, and the gossip protocol's settings.

use std::collections::HashMap;
use std::time::Duration;

use arc_malachitebft_network::Channel;
use chipledger_schemas::ids::GenesisHash;
use libp2p::PeerId;
use libp2p::gossipsub::{
    Behaviour, Config, ConfigBuilder, IdentTopic, IdentityTransform, Message, MessageAuthenticity,
    MessageId, PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode,
    WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;

use super::NetworkError;
use super::config::Limits;

/// Room for what gossip wraps around a message: topic, source, sequence number, signature.
const ENVELOPE_BYTES_MAX: usize = 1_024;

/// A peer whose score falls below this has sent invalid messages (bad signature or framing) by
/// the dozen, and is locked out.
pub(super) const SCORE_MIN: f64 = -100.0;

/// One kind of gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Topic {
    /// Votes and proposals.
    Consensus,
    /// Certificates that help a peer that has fallen behind.
    Liveness,
    /// Pieces of proposed blocks.
    ProposalParts,
    /// How far each peer has got.
    Status,
    /// Transactions on their way into a block.
    Transactions,
}

impl Topic {
    pub(super) const ALL: [Self; 5] = [
        Self::Consensus,
        Self::Liveness,
        Self::ProposalParts,
        Self::Status,
        Self::Transactions,
    ];

    /// The engine's name for the topic; transactions are none of its business.
    pub(super) fn channel(self) -> Option<Channel> {
        match self {
            Self::Consensus => Some(Channel::Consensus),
            Self::Liveness => Some(Channel::Liveness),
            Self::ProposalParts => Some(Channel::ProposalParts),
            Self::Status => Some(Channel::Sync),
            Self::Transactions => None,
        }
    }

    /// The word used in topic names, logs and metrics.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Liveness => "liveness",
            Self::ProposalParts => "proposal-parts",
            Self::Status => "status",
            Self::Transactions => "transactions",
        }
    }

    /// Most bytes of one message.
    pub(super) fn bytes_max(self, limits: &Limits) -> usize {
        match self {
            Self::Transactions => limits.transactions_bytes_max,
            Self::Status => 1_024,
            Self::Consensus | Self::Liveness | Self::ProposalParts => limits.gossip_bytes_max,
        }
    }
}

/// The names of everything that this ledger's peers say to each other. They start with the hash
/// of the genesis, so that peers of another ledger have no protocol in common with us.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
    topics: HashMap<TopicHash, Topic>,
}

impl Names {
    pub(super) fn new(chain: &GenesisHash) -> Self {
        let chain = chain.to_string();
        let prefix = format!("/chipledger/{}", chain.get(..16).unwrap_or(&chain));
        let mut names = Self {
            prefix,
            topics: HashMap::new(),
        };
        names.topics = Topic::ALL
            .iter()
            .map(|topic| (names.ident(*topic).hash(), *topic))
            .collect();
        names
    }

    /// The name of a protocol, such as `/chipledger/0123456789abcdef/records/1`.
    pub(super) fn protocol(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    pub(super) fn ident(&self, topic: Topic) -> IdentTopic {
        IdentTopic::new(format!("{}/{}/1", self.prefix, topic.word()))
    }

    pub(super) fn topic(&self, hash: &TopicHash) -> Option<Topic> {
        self.topics.get(hash).copied()
    }
}

/// The gossip behaviour as this node uses it.
pub(super) type Gossip = Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// Gossip over signed messages: who published a message is proven, whoever relayed it.
///
/// Messages are forwarded only after this node has judged them (`validate_messages`), and flooded
/// to all subscribed peers by their publisher: in a network of at most some tens of peers the
/// mesh is needed only to get around a broken link.
pub(super) fn gossip(
    keypair: &Keypair,
    names: &Names,
    limits: &Limits,
) -> Result<Gossip, NetworkError> {
    let known = names.topics.keys().cloned().collect();
    let mut behaviour = Behaviour::new_with_subscription_filter(
        MessageAuthenticity::Signed(keypair.clone()),
        config(names, limits).map_err(|_| NetworkError::Gossip("settings"))?,
        WhitelistSubscriptionFilter(known),
    )
    .map_err(|_| NetworkError::Gossip("signing key"))?;
    behaviour
        .with_peer_score(score(names), thresholds())
        .map_err(|_| NetworkError::Gossip("peer score"))?;
    for topic in Topic::ALL {
        behaviour
            .subscribe(&names.ident(topic))
            .map_err(|_| NetworkError::Gossip("subscription"))?;
    }
    Ok(behaviour)
}

fn config(names: &Names, limits: &Limits) -> Result<Config, libp2p::gossipsub::ConfigBuilderError> {
    let mut builder = ConfigBuilder::default();
    let largest = limits.gossip_bytes_max.max(limits.transactions_bytes_max);
    builder
        .protocol_id_prefix(names.protocol("gossip"))
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(message_id)
        .flood_publish(true)
        .mesh_n(3)
        .mesh_n_low(2)
        .mesh_n_high(4)
        .mesh_outbound_min(1)
        .gossip_lazy(3)
        .heartbeat_initial_delay(Duration::from_millis(200))
        .heartbeat_interval(Duration::from_secs(1))
        .prune_backoff(Duration::from_secs(5))
        // Long enough that a message cannot return as new while it still circulates.
        .duplicate_cache_time(Duration::from_mins(2))
        .connection_handler_queue_len(2_048)
        .publish_queue_duration(Duration::from_secs(5))
        .forward_queue_duration(Duration::from_secs(2))
        .max_messages_per_rpc(Some(64))
        .max_transmit_size(largest + ENVELOPE_BYTES_MAX);
    for topic in Topic::ALL {
        let size = topic.bytes_max(limits) + ENVELOPE_BYTES_MAX;
        builder.set_topic_max_transmit_size(names.ident(topic).hash(), size);
    }
    builder.build()
}

/// One id per publication, not per content: the engine repeats its votes when it makes no
/// progress, and a repetition must travel.
fn message_id(message: &Message) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(message.topic.as_str().as_bytes());
    hasher.update(&message.source.map(PeerId::to_bytes).unwrap_or_default());
    hasher.update(&message.sequence_number.unwrap_or_default().to_be_bytes());
    hasher.update(&message.data);
    MessageId::new(&hasher.finalize().as_bytes()[..16])
}

/// Only what proves ill will counts: invalid messages and broken promises, forgotten in a minute.
fn score(names: &Names) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -1.0,
        invalid_message_deliveries_decay: 0.95,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: names
            .topics
            .keys()
            .map(|hash| (hash.clone(), topic.clone()))
            .collect(),
        // Several nodes behind one address are normal at an agency.
        ip_colocation_factor_weight: 0.0,
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: 0.95,
        slow_peer_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: SCORE_MIN,
        publish_threshold: SCORE_MIN,
        graylist_threshold: SCORE_MIN,
        accept_px_threshold: 1_000.0,
        opportunistic_graft_threshold: 0.0,
    }
}
