//! Days in sentences.

use chipledger_schemas::time::{DAY_MS, Time};

/// The day of an instant, UTC.
pub(crate) fn date(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

/// Whole days of a span.
pub(crate) fn days(ms: u64) -> u64 {
    ms / DAY_MS
}
