//! What is looked at when somebody asks for metrics.

use super::{Bound, Consensus, House, Metrics, View, process, whole};
use crate::consensus::candidates::{now, validators_of};
use crate::network::{PeerStatus, View as Sees};
use crate::node::NodeHandle;

impl Metrics {
    /// Sets every gauge from what the node is now.
    pub fn sample(&self, node: &NodeHandle) {
        self.measured()
            .retain(|_, began| began.elapsed() < super::MEASURED_AGE);
        let peers = node.network.peers();
        self.0.consensus.sample(node, &peers);
        if let Some(guard) = &self.0.guard {
            let (waits, height) = guard.with(|guard| {
                let next = node.progress.borrow().height.next();
                (guard.is_waiting(next), guard.height())
            });
            self.0.consensus.guard_waiting.set(i64::from(waits));
            self.0.consensus.guard_height.set(whole(height.0));
        }
        self.sample_mempool(node);
        self.0.house.sample(node);
    }

    fn sample_mempool(&self, node: &NodeHandle) {
        let (fill, config) = (node.mempool.fill(), node.mempool.config());
        let bounds = [
            (
                "transactions",
                fill.transactions as u64,
                config.transactions_max as u64,
            ),
            ("bytes", fill.bytes, config.bytes_max),
            (
                "member_transactions",
                fill.member_transactions as u64,
                config.member_transactions_max as u64,
            ),
            ("member_bytes", fill.member_bytes, config.member_bytes_max),
        ];
        let submissions = &self.0.submissions;
        for (bound, used, limit) in bounds {
            let bound = Bound { bound };
            submissions.used.get_or_create(&bound).set(whole(used));
            submissions.limit.get_or_create(&bound).set(whole(limit));
        }
    }
}

impl Consensus {
    fn sample(&self, node: &NodeHandle, peers: &[PeerStatus]) {
        let progress = node.progress.borrow().clone();
        self.height.set(whole(progress.height.0));
        self.round.set(i64::from(progress.round));
        self.protocol.set(i64::from(progress.protocol));
        let age = super::signed_seconds(now().0, progress.committed_at.0);
        self.commit_age.set(age.max(0.0));
        self.is_validator.set(i64::from(progress.is_validator));
        self.syncing.set(i64::from(progress.syncing));
        let reach = node.reach.borrow().clone();
        self.quorum.set(i64::from(reach.is_quorum));
        self.power_reachable.set(whole(reach.power));
        self.power_total.set(whole(reach.total));
        for (view, sees) in [("full", Sees::Full), ("own", Sees::Own)] {
            let count = peers.iter().filter(|peer| peer.view == sees).count();
            let gauge = self.peers.get_or_create(&View { view });
            gauge.set(whole(count as u64));
        }
        // The ledger cannot be read only when the node is about to stop.
        let Ok(validators) = validators_of(&node.store, progress.height.next()) else {
            return;
        };
        let seats = validators.0.len();
        let reachable = seats.saturating_sub(reach.missing.len());
        self.validators.set(whole(seats as u64));
        self.validators_reachable.set(whole(reachable as u64));
        self.behind
            .set(whole(reach.vouched.saturating_sub(progress.height.0)));
    }
}

impl House {
    fn sample(&self, node: &NodeHandle) {
        let dir = node.store.dir();
        // A file system that does not say keeps the last figure.
        if let Ok(stats) = fs4::statvfs(dir) {
            self.disk_free.set(whole(stats.available_space()));
            self.disk_total.set(whole(stats.total_space()));
        }
        self.ledger_bytes.set(whole(node.store.folder_bytes()));
        if let Ok(first) = node.store.first_height() {
            self.first_height.set(whole(first.0));
        }
        let usage = process::usage();
        self.resident.set(whole(usage.resident));
        self.cpu.set(usage.cpu.as_secs_f64());
        self.files.set(whole(usage.files));
    }
}
