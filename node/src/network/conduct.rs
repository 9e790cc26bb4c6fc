//! How one peer behaves: what it may still send, and how often it went too far.

use std::time::Instant;

use super::config::Limits;
use super::topics::Topic;

use super::bucket::Bucket;

/// Offences that come back per second, and how many may be saved up before a lockout: a peer in
/// trouble exceeds a rate now and then, an attacker does on and on.
const OFFENCES_PER_SECOND: u64 = 20;
const OFFENCES_MAX: u64 = 2_000;

/// What to do with a message or request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Within the limits.
    Fine,
    /// Above a limit: drop it.
    TooFast,
    /// Above a limit once too often: disconnect the peer and lock it out.
    LockOut,
}

/// The allowances of one peer. They outlive its connections.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    gossip: Bucket,
    transactions: Bucket,
    requests: Bucket,
    offences: Bucket,
    /// Requests of the records protocol that wait for this node's answer.
    pub(super) requests_in_flight: usize,
}

impl Conduct {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let bucket = |rate: u64| Bucket::new(rate, rate.saturating_mul(2), now);
        Self {
            gossip: bucket(limits.gossip_messages_per_second),
            transactions: bucket(limits.transaction_messages_per_second),
            requests: bucket(limits.requests_per_second),
            offences: Bucket::new(OFFENCES_PER_SECOND, OFFENCES_MAX, now),
            requests_in_flight: 0,
        }
    }

    /// The peer delivered a message that this node had not seen.
    pub(super) fn message(&mut self, topic: Topic, now: Instant) -> Verdict {
        let allowed = match topic {
            Topic::Transactions => self.transactions.try_take(1, now),
            _ => self.gossip.try_take(1, now),
        };
        self.verdict(allowed, 1, now)
    }

    /// The peer asked something.
    pub(super) fn request(&mut self, now: Instant) -> Verdict {
        let allowed = self.requests.try_take(1, now);
        self.verdict(allowed, 1, now)
    }

    /// The peer did what no honest version does, such as passing on a stranger's message.
    pub(super) fn offence(&mut self, now: Instant) -> Verdict {
        self.verdict(false, 100, now)
    }

    fn verdict(&mut self, allowed: bool, weight: u64, now: Instant) -> Verdict {
        if allowed {
            Verdict::Fine
        } else if self.offences.try_take(weight, now) {
            Verdict::TooFast
        } else {
            Verdict::LockOut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_dropped_first_and_locked_out_when_it_goes_on() {
        let now = Instant::now();
        let limits = Limits {
            transaction_messages_per_second: 5,
            ..Limits::default()
        };
        let mut conduct = Conduct::new(&limits, now);
        let verdicts: Vec<_> = (0..2_011)
            .map(|_| conduct.message(Topic::Transactions, now))
            .collect();
        assert!(
            verdicts[..10]
                .iter()
                .all(|verdict| *verdict == Verdict::Fine)
        );
        assert!(
            verdicts[10..2_010]
                .iter()
                .all(|verdict| *verdict == Verdict::TooFast)
        );
        assert_eq!(verdicts[2_010], Verdict::LockOut);
    }

    #[test]
    fn too_many_transactions_leave_the_allowance_for_votes_alone() {
        let now = Instant::now();
        let limits = Limits {
            transaction_messages_per_second: 1,
            ..Limits::default()
        };
        let mut conduct = Conduct::new(&limits, now);
        (0..100).for_each(|_| {
            conduct.message(Topic::Transactions, now);
        });
        assert_eq!(conduct.message(Topic::Consensus, now), Verdict::Fine);
    }
}
