//! Once faults end, transactions become final again within 10 seconds.
//!
//! Source: the promise of the network (the engine's waits are bounded by `timeout_max_ms`, 5 s, so
//! that one round of the slowest kind fits).

use std::time::Duration;

use super::Run;

/// Within how long transactions become final again.
pub const WITHIN: Duration = Duration::from_secs(10);

/// Faults after which it took longer.
pub fn check(run: &Run) -> Vec<String> {
    let late = run
        .healed
        .iter()
        .filter(|healed| healed.resumed.is_none_or(|took| took > WITHIN));
    let told = late.map(|healed| match healed.resumed {
        Some(took) => format!("after {} it took {} ms", healed.fault, took.as_millis()),
        None => format!("after {} nothing became final any more", healed.fault),
    });
    told.collect()
}
