//! Dated thresholds that pools of compute are held against: policy as data, with its source. A
//! ledger's own limits are records (`set_limit`); these are what analysts compare with, in force or
//! not.

use std::str::FromStr;

use chipledger_schemas::time::Time;
use serde::Serialize;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Thousandths of TPP.
    TppMilli,
    /// Millions of dense operations per second at 8 or 16 bits, whichever is more.
    Mops,
}

/// A threshold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Threshold {
    /// Its short name.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What is counted.
    pub measure: Measure,
    /// From this amount on.
    pub amount: u128,
    /// First day in force; absent if it never was (a proposal).
    pub from: Option<&'static str>,
    /// First day no longer in force; absent if it still is.
    pub until: Option<&'static str>,
    /// Where it stands written.
    pub source: &'static str,
}

/// The thresholds, lowest first.
pub const THRESHOLDS: [Threshold; 3] = [
    Threshold {
        id: "ccc",
        name: "covered chip cluster: 16 H100e",
        measure: Measure::TppMilli,
        amount: 16 * 15_832_000,
        from: None,
        until: None,
        source: "draft treaty of the Machine Intelligence Research Institute, art. V (a proposal)",
    },
    Threshold {
        id: "lpp",
        name: "low processing performance exception: 26.9 million TPP a year per consignee",
        measure: Measure::TppMilli,
        amount: 26_900_000_000,
        from: Some("2025-01-13"),
        until: Some("2025-05-13"),
        source: "framework for artificial intelligence diffusion, 90 FR 4544; rescinded",
    },
    Threshold {
        id: "op20",
        name: "computing cluster: 10^20 op/s",
        measure: Measure::Mops,
        amount: 100_000_000_000_000,
        from: Some("2023-10-30"),
        until: Some("2025-01-20"),
        source: "executive order 14110, sec. 4.2(b)(ii), without sparsity; revoked",
    },
];

/// Training compute that law names, as a power of ten of floating-point operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Training {
    /// The power of ten.
    pub exponent: u32,
    /// First day in force.
    pub from: &'static str,
    /// First day no longer in force; absent if it still is.
    pub until: Option<&'static str>,
    /// Where it stands written.
    pub source: &'static str,
}

/// Training runs that pools are asked about.
pub const TRAININGS: [Training; 2] = [
    Training {
        exponent: 25,
        from: "2025-08-02",
        until: None,
        source: "regulation (EU) 2024/1689, art. 51(2)",
    },
    Training {
        exponent: 26,
        from: "2023-10-30",
        until: Some("2025-01-20"),
        source: "executive order 14110, sec. 4.2(b)(i); revoked",
    },
];

impl Threshold {
    /// Whether it was in force at a time.
    pub fn in_force(&self, at: Time) -> bool {
        let Some(from) = self.from else {
            return false;
        };
        day(from) <= at && self.until.is_none_or(|until| at < day(until))
    }
}

fn day(text: &str) -> Time {
    Time::from_str(text).unwrap_or(Time::END)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_tables_is_one() {
        let of_thresholds = THRESHOLDS.iter().flat_map(|t| [t.from, t.until]).flatten();
        let of_trainings = TRAININGS.iter().flat_map(|t| [Some(t.from), t.until]);
        for text in of_thresholds.chain(of_trainings.flatten()) {
            assert!(text.parse::<Time>().is_ok(), "{text}");
        }
        let at = |text: &str| text.parse::<Time>().unwrap();
        let [ccc, lpp, op20] = THRESHOLDS;
        assert!(!ccc.in_force(at("2026-01-01")));
        assert!(lpp.in_force(at("2025-01-13")) && !lpp.in_force(at("2025-05-13")));
        assert!(op20.in_force(at("2024-01-01")) && !op20.in_force(at("2023-01-01")));
    }
}
