//! A token bucket: so many units a second, with room for a burst.
//!
//! Integers and a clock passed in, so that tests need no waiting. Every per-peer limit of the
//! network is one of these.

use std::time::{Duration, Instant};

/// What one peer may still use of something that is counted per second.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Units that come back each second. Zero never refills.
    rate_per_second: u64,
    /// Most units that can be saved up.
    burst: u64,
    /// Units left, in millionths, so that slow rates lose nothing to rounding.
    level_millionths: u128,
    refilled_at: Instant,
}

const MILLION: u128 = 1_000_000;

impl Bucket {
    /// A full bucket of `burst` units that refills by `rate_per_second`.
    pub(super) fn new(rate_per_second: u64, burst: u64, now: Instant) -> Self {
        Self {
            rate_per_second,
            burst,
            level_millionths: u128::from(burst) * MILLION,
            refilled_at: now,
        }
    }

    /// Takes `units` if they are there; otherwise takes nothing and answers false.
    pub(super) fn try_take(&mut self, units: u64, now: Instant) -> bool {
        self.refill(now);
        let wanted = u128::from(units) * MILLION;
        if self.level_millionths < wanted {
            return false;
        }
        self.level_millionths -= wanted;
        true
    }

    /// Takes up to `units`, for work that is already done (bytes that were read); the caller
    /// asks [`Bucket::wait`] before it does more.
    pub(super) fn drain(&mut self, units: u64, now: Instant) {
        self.refill(now);
        self.level_millionths = self
            .level_millionths
            .saturating_sub(u128::from(units) * MILLION);
    }

    /// None if at least one unit is there, else how long until a hundredth of a second's worth
    /// (at least one unit) has come back.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        self.refill(now);
        if self.level_millionths >= MILLION {
            return None;
        }
        if self.rate_per_second == 0 {
            return Some(Duration::from_secs(1));
        }
        let micros = (MILLION / u128::from(self.rate_per_second)).max(10_000);
        Some(Duration::from_micros(
            u64::try_from(micros).unwrap_or(u64::MAX),
        ))
    }

    /// True if nothing is used: such a bucket says nothing that a new one would not.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.level_millionths == u128::from(self.burst) * MILLION
    }

    fn refill(&mut self, now: Instant) {
        let micros = now.saturating_duration_since(self.refilled_at).as_micros();
        if micros == 0 {
            return;
        }
        self.refilled_at = now;
        // One microsecond at one unit a second is one millionth of a unit.
        let gained = micros.saturating_mul(u128::from(self.rate_per_second));
        let full = u128::from(self.burst) * MILLION;
        self.level_millionths = self.level_millionths.saturating_add(gained).min(full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_served_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        assert!((0..3).all(|_| bucket.try_take(1, start)));
        assert!(!bucket.try_take(1, start));
        assert!(!bucket.try_take(1, start + Duration::from_millis(99)));
        assert!(bucket.try_take(1, start + Duration::from_millis(100)));
        assert!(!bucket.try_take(1, start + Duration::from_millis(100)));
    }

    #[test]
    fn an_idle_bucket_saves_no_more_than_its_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1_000, 5, start);
        assert!(bucket.try_take(5, start));
        let later = start + Duration::from_hours(1_000_000);
        assert!(bucket.is_full(later));
        assert!(!bucket.try_take(6, later));
    }

    #[test]
    fn a_drained_bucket_says_how_long_to_wait() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1_000, 10, start);
        assert_eq!(bucket.wait(start), None);
        bucket.drain(1 << 40, start);
        let wait = bucket.wait(start).unwrap();
        assert!(bucket.wait(start + wait).is_none());
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_and_breaks_nothing() {
        let earlier = Instant::now();
        let start = earlier + Duration::from_mins(1);
        let mut bucket = Bucket::new(1, 1, start);
        assert!(bucket.try_take(1, start));
        assert!(!bucket.try_take(1, earlier));
    }
}
