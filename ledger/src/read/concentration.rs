//! How concentrated pooled compute is: shares and the Herfindahl-Hirschman index.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::balances::{Compute, ComputeAnswer};

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// By what shares and concentration are counted.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Metric { $($(#[$doc])* $name,)* }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

metrics! {
    /// Total processing performance: dense TOPS x bits at the best precision.
    #[default]
    Tpp = "tpp",
    /// TPP in units of one H100 (15,832).
    H100e = "h100e",
    /// Dense 16-bit performance.
    Fp16 = "fp16",
    /// Memory.
    Memory = "memory",
    /// Accelerators.
    Count = "count",
}

/// No such metric. Choose one of those named.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no metric: tpp, h100e, fp16, memory, count")]
pub struct NotAMetric {
    /// What was given.
    pub got: String,
}

impl FromStr for Metric {
    type Err = NotAMetric;
    fn from_str(text: &str) -> Result<Self, NotAMetric> {
        let found = Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.as_str() == text);
        found.ok_or_else(|| NotAMetric {
            got: text.to_owned(),
        })
    }
}

impl Metric {
    /// The amount that counts.
    pub fn of(self, compute: &Compute) -> u128 {
        match self {
            Self::Tpp | Self::H100e => compute.tpp_milli,
            Self::Fp16 => compute.fp16_mflops,
            Self::Memory => compute.memory_mb,
            Self::Count => compute.chips.into(),
        }
    }
}

/// Names of rows that are no place of their own.
const UNPLACED: [&str; 2] = ["ZZ", "in transit"];

/// How concentrated the rows of an answer are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Concentration {
    /// By what it is counted.
    pub metric: Metric,
    /// Herfindahl-Hirschman index, 0 to 10,000: the sum of squared percentage shares, rounded down.
    pub hhi: u64,
    /// The same without what is under way or in an unknown country, where there is such: that is
    /// not one pool.
    pub hhi_placed: Option<u64>,
}

impl Concentration {
    /// The concentration of the rows of an answer.
    pub fn of(answer: &ComputeAnswer, metric: Metric) -> Self {
        let unplaced = |key: &String| UNPLACED.contains(&key.as_str());
        let placed = answer.rows.iter().filter(|(key, _)| !unplaced(key));
        let placed = hhi(placed.map(|(_, row)| metric.of(row)));
        Self {
            metric,
            hhi: hhi(answer.rows.values().map(|row| metric.of(row))),
            hhi_placed: answer.rows.keys().any(unplaced).then_some(placed),
        }
    }
}

fn hhi(amounts: impl Iterator<Item = u128>) -> u64 {
    let mut amounts: Vec<u128> = amounts.collect();
    // Squares times 10,000 must fit 128 bits: halve all amounts until the sum does.
    while amounts.iter().sum::<u128>() >= 1 << 56 {
        for amount in &mut amounts {
            *amount /= 2;
        }
    }
    let sum: u128 = amounts.iter().sum();
    if sum == 0 {
        return 0;
    }
    let squares = amounts.iter().map(|amount| amount * amount).sum::<u128>();
    // At most 10,000, because no part exceeds the sum.
    u64::try_from(squares * 10_000 / (sum * sum)).unwrap_or(10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concentration_is_10_000_for_one_pool_and_falls_with_equal_ones() {
        assert_eq!(hhi([7].into_iter()), 10_000);
        assert_eq!(hhi([1_u128 << 90; 4].into_iter()), 2_500);
        assert_eq!(hhi([60, 30, 10].into_iter()), 4_600);
        assert_eq!(hhi(std::iter::empty()), 0);
    }

    #[test]
    fn every_metric_is_found_by_its_name() {
        for metric in Metric::ALL {
            assert_eq!(metric.as_str().parse(), Ok(*metric));
        }
        assert!("watts".parse::<Metric>().is_err());
    }
}
