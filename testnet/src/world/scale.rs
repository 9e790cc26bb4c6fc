//! How much smaller than the real one a generated world is.

use chipledger_schemas::catalogue::decimal::{self, NotADecimal};

/// Parts per million of every cluster, 1 to 1,000,000 (the whole world).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale(u64);

/// The scale is none. Give a decimal number above 0 and at most 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAScale {
    /// Write plain digits with at most six after the point.
    #[error(transparent)]
    Decimal(#[from] NotADecimal),
    /// Give a number above 0 and at most 1; 1 is the whole world.
    #[error("a scale is above 0 and at most 1, got {ppm} millionths")]
    Range {
        /// What was given, in millionths.
        ppm: u64,
    },
}

impl Scale {
    /// A scale of so many millionths.
    pub fn from_ppm(ppm: u64) -> Result<Self, NotAScale> {
        if (1..=1_000_000).contains(&ppm) {
            return Ok(Self(ppm));
        }
        Err(NotAScale::Range { ppm })
    }

    /// Reads a decimal such as `0.001` exactly: no digit beyond the sixth is accepted.
    pub fn parse(text: &str) -> Result<Self, NotAScale> {
        Self::from_ppm(decimal::parse(text, 6)?)
    }

    /// Millionths.
    pub fn ppm(self) -> u64 {
        self.0
    }

    /// `amount` at this scale: rounded half up, and at least 1 unless it was 0, so that no cluster
    /// vanishes.
    pub fn of(self, amount: u64) -> u64 {
        let scaled = (u128::from(amount) * u128::from(self.0) + 500_000) / 1_000_000;
        let scaled = u64::try_from(scaled).unwrap_or(u64::MAX);
        scaled.max(amount.min(1))
    }
}

impl std::str::FromStr for Scale {
    type Err = NotAScale;
    fn from_str(text: &str) -> Result<Self, NotAScale> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up_and_never_loses_a_cluster() {
        let scale = Scale::parse("0.001").expect("a scale");
        let scaled: Vec<u64> = [0, 1, 1_499, 1_500, 200_000].map(|q| scale.of(q)).into();
        assert_eq!(scaled, [0, 1, 1, 2, 200]);
        assert_eq!(Scale::parse("1").expect("a scale").of(12_345), 12_345);
    }

    #[test]
    fn refuses_what_is_no_scale() {
        for text in ["0", "1.000001", "2", "0.0000001", "1e-3", "", "-1"] {
            assert!(Scale::parse(text).is_err(), "{text}");
        }
    }
}
