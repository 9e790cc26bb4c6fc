//! Fresh proposals under the wall clock: not before their parent, not far from the voter's clock.

use chipledger_schemas::block::Header;
use chipledger_schemas::genesis::{Bounds, Clock};
use chipledger_schemas::time::Time;

/// Most milliseconds that a fresh proposal may lie behind the voter's clock.
pub const PROPOSAL_AGE_MS_MAX: u64 = 30_000;

/// Why a voter does not vote for a fresh proposal. Vote nil; if every proposer's time is refused,
/// set this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It is not after its parent.
    #[error("the proposal's time {time} is not after its parent's, {parent}")]
    NotAfterParent {
        /// The proposal's.
        time: Time,
        /// The parent's.
        parent: Time,
    },
    /// It lies too far ahead.
    #[error("the proposal's time {time} is {ahead_ms} ms ahead of this clock, at most {max_ms}")]
    Ahead {
        /// The proposal's.
        time: Time,
        /// How far.
        ahead_ms: u64,
        /// Most.
        max_ms: u64,
    },
    /// It lies too far behind.
    #[error("the proposal's time {time} is {behind_ms} ms behind this clock, at most {max_ms}")]
    Behind {
        /// The proposal's.
        time: Time,
        /// How far.
        behind_ms: u64,
        /// Most.
        max_ms: u64,
    },
}

/// Judges the time of a fresh proposal by the voter's clock: `bounds.future_ms_max` ahead at most,
/// [`PROPOSAL_AGE_MS_MAX`] behind at most. Ask once, when the proposal is first seen, and remember
/// the answer with it: blocks that are proposed again, synced or replayed are not judged by clocks.
/// Under `replay` there is nothing to judge, for execution compares the time with the transactions.
pub fn check_clock(
    clock: Clock,
    header: &Header,
    parent: &Header,
    now: Time,
    bounds: &Bounds,
) -> Result<(), ClockError> {
    if clock == Clock::Replay {
        return Ok(());
    }
    let time = header.time;
    if time <= parent.time {
        let parent = parent.time;
        return Err(ClockError::NotAfterParent { time, parent });
    }
    let (ahead_ms, behind_ms) = (time.since_ms(now), now.since_ms(time));
    if ahead_ms > bounds.future_ms_max {
        let max_ms = bounds.future_ms_max;
        return Err(ClockError::Ahead {
            time,
            ahead_ms,
            max_ms,
        });
    }
    if behind_ms > PROPOSAL_AGE_MS_MAX {
        let max_ms = PROPOSAL_AGE_MS_MAX;
        return Err(ClockError::Behind {
            time,
            behind_ms,
            max_ms,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chipledger_schemas::hash::Hash;
    use chipledger_schemas::ids::{BlockHash, GenesisHash, Height};

    use super::*;

    const NOW: Time = Time(10_000_000);

    fn header(time: Time) -> Header {
        Header {
            version: 1,
            genesis: GenesisHash::default(),
            height: Height::default(),
            round: 0,
            time,
            parent: BlockHash::default(),
            proposer: "V".parse().unwrap(),
            transactions_root: Hash::default(),
            state_root: Hash::default(),
            history_root: Hash::default(),
            validators: Hash::default(),
            next_validators: Hash::default(),
            protocol: 1,
        }
    }

    fn judge(clock: Clock, time: u64, parent: u64) -> Result<(), ClockError> {
        let (header, parent) = (header(Time(time)), header(Time(parent)));
        check_clock(clock, &header, &parent, NOW, &Bounds::default())
    }

    #[test]
    fn a_fresh_proposal_lies_after_its_parent_and_near_the_voters_clock() {
        let parent = NOW.0 - 1_000_000;
        for time in [NOW.0, NOW.0 + 120_000, NOW.0 - 30_000] {
            assert_eq!(judge(Clock::Wall, time, parent), Ok(()));
        }
        let refused = judge(Clock::Wall, NOW.0, NOW.0);
        assert!(matches!(refused, Err(ClockError::NotAfterParent { .. })));
        let refused = judge(Clock::Wall, NOW.0 + 120_001, parent).unwrap_err();
        assert!(refused.to_string().contains("120001 ms ahead"), "{refused}");
        let refused = judge(Clock::Wall, NOW.0 - 30_001, parent).unwrap_err();
        assert!(refused.to_string().contains("30001 ms behind"), "{refused}");
    }

    #[test]
    fn replayed_history_is_not_judged_by_clocks() {
        assert_eq!(judge(Clock::Replay, 1, 1), Ok(()));
    }
}
