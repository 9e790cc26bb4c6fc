//! What the network counts. All names start with `chipledger_network_`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_malachitebft_metrics::SharedRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::meter::Meter;
use super::topics::Topic;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TopicLabel {
    topic: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Drop {
    topic: &'static str,
    reason: &'static str,
}

/// Counters and gauges of one network.
#[derive(Clone, Default)]
pub(super) struct Metrics {
    pub(super) peers: Gauge,
    refused: Family<Reason, Counter>,
    pub(super) dials: Counter,
    pub(super) dial_failures: Counter,
    pub(super) disconnects: Counter,
    pub(super) lockouts: Counter,
    pub(super) locked_out: Gauge,
    published: Family<TopicLabel, Counter>,
    received: Family<TopicLabel, Counter>,
    received_bytes: Family<TopicLabel, Counter>,
    dropped: Family<Drop, Counter>,
    requests_refused: Family<Reason, Counter>,
    pub(super) requests_served: Counter,
    pub(super) inbound_bytes: Gauge,
    pub(super) outbound_bytes: Gauge,
    pub(super) waits: Gauge,
    pub(super) refused_streams: Gauge,
}

impl Metrics {
    pub(super) fn registered(registry: &SharedRegistry) -> Self {
        let new = Self::default();
        registry.with_prefix("chipledger_network", |registry| {
            registry.register("peers", "Admitted peers connected now", new.peers.clone());
            let text = "Connections refused when established or before, by reason";
            registry.register("connections_refused", text, new.refused.clone());
            registry.register(
                "dials",
                "Attempts to reach an admitted peer",
                new.dials.clone(),
            );
            let text = "Attempts to reach an admitted peer that failed";
            registry.register("dial_failures", text, new.dial_failures.clone());
            let text = "Peers whose last connection ended, for whatever reason";
            registry.register("disconnects", text, new.disconnects.clone());
            let text = "Times a peer was locked out for breaking limits on and on";
            registry.register("lockouts", text, new.lockouts.clone());
            let text = "Peers that are locked out now";
            registry.register("locked_out", text, new.locked_out.clone());
            let text = "Gossip messages this node published, by topic";
            registry.register("published_messages", text, new.published.clone());
            let text = "Gossip messages received for the first time and accepted, by topic";
            registry.register("received_messages", text, new.received.clone());
            let text = "Payload bytes of accepted gossip messages, by topic";
            registry.register("received_bytes", text, new.received_bytes.clone());
            let text = "Gossip messages not published, not delivered or not accepted, by reason";
            registry.register("dropped_messages", text, new.dropped.clone());
            let text = "Requests by peers that were refused without being served, by reason";
            registry.register("requests_refused", text, new.requests_refused.clone());
            let text = "Requests of the records protocol by peers that were answered";
            registry.register("requests_served", text, new.requests_served.clone());
            let text = "Bytes read from the peers admitted now, since this node started";
            registry.register("inbound_bytes", text, new.inbound_bytes.clone());
            let text = "Bytes written to the peers admitted now, since this node started";
            registry.register("outbound_bytes", text, new.outbound_bytes.clone());
            let text = "Times a peer was not read for a moment because it sent too fast";
            registry.register("inbound_waits", text, new.waits.clone());
            let text = "Streams dropped because the peer had too many open";
            registry.register("refused_streams", text, new.refused_streams.clone());
        });
        new
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    pub(super) fn request_refused(&self, reason: &'static str) {
        self.requests_refused
            .get_or_create(&Reason { reason })
            .inc();
    }

    pub(super) fn published(&self, topic: Topic) {
        self.published
            .get_or_create(&TopicLabel {
                topic: topic.word(),
            })
            .inc();
    }

    pub(super) fn received(&self, topic: Topic, bytes: usize) {
        let label = TopicLabel {
            topic: topic.word(),
        };
        self.received.get_or_create(&label).inc();
        self.received_bytes
            .get_or_create(&label)
            .inc_by(bytes as u64);
    }

    pub(super) fn dropped(&self, topic: Topic, reason: &'static str) {
        self.dropped
            .get_or_create(&Drop {
                topic: topic.word(),
                reason,
            })
            .inc();
    }

    /// Sets the gauges that are sums over the meters of all admitted peers.
    pub(super) fn totals(&self, meters: impl Iterator<Item = Arc<Meter>>) {
        let mut sums = [0_u64; 4];
        for meter in meters {
            let counts = [
                &meter.inbound_bytes,
                &meter.outbound_bytes,
                &meter.waits,
                &meter.refused_streams,
            ];
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum = sum.saturating_add(count.load(Ordering::Relaxed));
            }
        }
        let gauges = [
            &self.inbound_bytes,
            &self.outbound_bytes,
            &self.waits,
            &self.refused_streams,
        ];
        for (gauge, sum) in gauges.into_iter().zip(sums) {
            gauge.set(i64::try_from(sum).unwrap_or(i64::MAX));
        }
    }

    /// How often gossip was dropped for `reason`.
    #[cfg(test)]
    pub(super) fn dropped_count(&self, topic: Topic, reason: &'static str) -> u64 {
        self.dropped
            .get_or_create(&Drop {
                topic: topic.word(),
                reason,
            })
            .get()
    }

    /// How often a connection was refused for `reason`.
    #[cfg(test)]
    pub(super) fn refused_count(&self, reason: &'static str) -> u64 {
        self.refused.get_or_create(&Reason { reason }).get()
    }
}
