//! Instants: milliseconds since 1970-01-01T00:00:00Z, UTC, no leap seconds. RFC 3339 in JSON and on
//! screen.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in milliseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Time(pub u64);

/// Milliseconds in a second.
pub const SECOND_MS: u64 = 1_000;
/// Milliseconds in an hour.
pub const HOUR_MS: u64 = 3_600 * SECOND_MS;
/// Milliseconds in a day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// The latest instant that can be written: 9999-12-30T00:00:00Z.
const TIME_MS_MAX: u64 = 253_402_128_000_000;

impl Time {
    /// The latest instant that can be written.
    pub const END: Self = Self(TIME_MS_MAX);

    /// The instant `ms` milliseconds later; stops at the end of the representable range.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms).min(TIME_MS_MAX))
    }

    /// The instant `ms` milliseconds earlier; stops at the epoch.
    #[must_use]
    pub fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to `self`; zero if `earlier` is later.
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0.min(TIME_MS_MAX)).unwrap_or(0);
        match jiff::Timestamp::from_millisecond(ms) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// The text is not an instant. Write it as `2026-03-01` or `2026-03-01T12:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} is not a time; write 2026-03-01 or 2026-03-01T12:00:00Z")]
pub struct NotATime {
    /// What was given.
    pub got: String,
}

impl FromStr for Time {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let wrong = || NotATime {
            got: text.to_owned(),
        };
        let timestamp = if text.len() == 10 {
            format!("{text}T00:00:00Z").parse::<jiff::Timestamp>()
        } else {
            text.parse::<jiff::Timestamp>()
        }
        .map_err(|_| wrong())?;
        if timestamp.subsec_nanosecond() % 1_000_000 != 0 {
            return Err(wrong());
        }
        let ms = u64::try_from(timestamp.as_millisecond()).map_err(|_| wrong())?;
        if ms > TIME_MS_MAX {
            return Err(wrong());
        }
        Ok(Self(ms))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(self)
        } else {
            s.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return String::deserialize(d)?
                .parse()
                .map_err(serde::de::Error::custom);
        }
        let ms = u64::deserialize(d)?;
        if ms > TIME_MS_MAX {
            return Err(serde::de::Error::custom("time beyond the year 9999"));
        }
        Ok(Self(ms))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time",
            "description": "RFC 3339 instant, UTC, at most millisecond precision"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_day_and_an_instant_and_writes_the_shortest_form() {
        assert_eq!(
            "2026-03-01".parse::<Time>().unwrap().to_string(),
            "2026-03-01T00:00:00Z"
        );
        let text = "2026-03-01T12:30:00.25Z";
        assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        assert_eq!(
            "2026-03-01T13:30:00+01:00"
                .parse::<Time>()
                .unwrap()
                .to_string(),
            "2026-03-01T12:30:00Z"
        );
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "1960-01-01",
            "2026-03-01T00:00:00.0001Z",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }
}
