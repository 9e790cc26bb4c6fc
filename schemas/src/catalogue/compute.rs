//! Compute in the units that law (TPP) and analysts (H100e) use.

use std::fmt;

use super::{ModelVersion, decimal};

/// TPP of the H100 SXM, the unit of H100e: 1,979 dense 8-bit TOPS x 8 bits.
pub const H100_TPP: u64 = 15_832;

impl ModelVersion {
    /// TPP in thousandths by the formula of 88 FR 73458 over the precisions that are known: `max(16
    /// fp16, 8 fp8, 8 int8, 4 fp4, 64 fp64)` in TOPS; rounded down. `None` if none is known. It is
    /// a lower bound wherever a precision is not sourced.
    pub fn tpp_milli_by_formula(&self) -> Option<u64> {
        let by_bits = [
            (16, self.dense_fp16_mflops),
            (8, self.dense_fp8_mflops),
            (8, self.dense_int8_mops),
            (4, self.dense_fp4_mflops),
            (64, self.dense_fp64_mflops),
        ];
        let products = by_bits
            .into_iter()
            .filter_map(|(bits, mops)| Some(bits * u128::from(mops?)));
        // One TOPS is 10^6 of our 10^6 operations, and a thousandth of TPP 10^3 of them.
        u64::try_from(products.max()? / 1_000).ok()
    }

    /// Compares the stated TPP with the formula.
    pub fn check_tpp(&self) -> TppCheck {
        match (self.tpp_milli, self.tpp_milli_by_formula()) {
            (None, None) => TppCheck::Unknown,
            (Some(stated), Some(formula)) if stated == formula => TppCheck::Agrees,
            (stated_milli, formula_milli) => TppCheck::Differs {
                stated_milli,
                formula_milli,
            },
        }
    }
}

/// How a stated TPP compares with the formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TppCheck {
    /// Both are known and equal.
    Agrees,
    /// Nothing is known on either side.
    Unknown,
    /// They differ, or only one is known: the entry's notes must say why.
    Differs {
        /// What the entry states, in thousandths.
        stated_milli: Option<u64>,
        /// What the formula gives, in thousandths.
        formula_milli: Option<u64>,
    },
}

/// Compute in H100 equivalents, kept as the exact sum of TPP it was made from.
///
/// Sums are taken in TPP and divided once, when they are shown: adding rounded figures would drift
/// by up to half a unit per row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct H100e {
    /// Thousandths of TPP.
    pub tpp_milli: u128,
}

impl H100e {
    /// Thousandths of an H100, half up: the only rounding.
    pub fn milli(self) -> u128 {
        let unit = u128::from(H100_TPP);
        self.tpp_milli / unit + u128::from(2 * (self.tpp_milli % unit) >= unit)
    }
}

impl fmt::Display for H100e {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal::format(self.milli(), 3))
    }
}
