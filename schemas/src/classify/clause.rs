//! One clause of a rule: a conjunction of thresholds, evaluated with three truth values.

use std::collections::BTreeSet;

use super::{Figures, Missing};
use crate::catalogue::Market;

/// Thresholds that must all hold. An absent threshold always holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Only for accelerators of this market; `None`: for all.
    pub market: Option<Market>,
    /// TPP in thousandths.
    pub tpp_milli: Bounds,
    /// Performance density in thousandths of TPP per square millimetre.
    pub density_milli: Bounds,
    /// Aggregate bidirectional transfer rate in MB/s.
    pub transfer_rate_mb_per_s: Bounds,
    /// Total memory bandwidth in MB/s.
    pub memory_bandwidth_mb_per_s: Bounds,
}

/// A half-open interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// At least this.
    pub min: Option<u64>,
    /// Less than this.
    pub below: Option<u64>,
}

impl Bounds {
    /// Whether `numerator / denominator` lies inside, by cross-multiplication: nothing is rounded.
    fn contain(self, numerator: u128, denominator: u64) -> bool {
        let scaled = |bound: u64| u128::from(bound) * u128::from(denominator);
        self.min.is_none_or(|min| numerator >= scaled(min))
            && self.below.is_none_or(|below| numerator < scaled(below))
    }

    /// Whether there is anything to compare.
    fn is_open(self) -> bool {
        self == Self::default()
    }
}

/// Whether a clause holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    /// All thresholds hold.
    Yes,
    /// One known figure is outside, whatever the unknown ones are.
    No,
    /// Nothing known is outside, but these figures are not known.
    Unknown(BTreeSet<Missing>),
}

impl Clause {
    /// Evaluates the clause.
    pub(super) fn holds(&self, figures: &Figures) -> Truth {
        let tests = [
            self.market(figures.market),
            plain(self.tpp_milli, figures.tpp_milli, Missing::Tpp),
            self.density(figures),
            plain(
                self.transfer_rate_mb_per_s,
                figures.interconnect_mb_per_s,
                Missing::TransferRate,
            ),
            plain(
                self.memory_bandwidth_mb_per_s,
                figures.memory_bandwidth_mb_per_s,
                Missing::MemoryBandwidth,
            ),
        ];
        if tests.contains(&Truth::No) {
            return Truth::No;
        }
        let missing: BTreeSet<Missing> = tests
            .into_iter()
            .flat_map(|truth| {
                if let Truth::Unknown(missing) = truth {
                    missing
                } else {
                    BTreeSet::new()
                }
            })
            .collect();
        if missing.is_empty() {
            Truth::Yes
        } else {
            Truth::Unknown(missing)
        }
    }

    /// Whether the market is the clause's.
    fn market(&self, market: Market) -> Truth {
        match self.market {
            None => Truth::Yes,
            Some(_) if market == Market::Unknown => unknown([Missing::Market]),
            Some(wanted) => truth(wanted == market),
        }
    }

    /// Whether the density is within bounds. An area of zero is taken for a figure nobody sourced.
    fn density(&self, figures: &Figures) -> Truth {
        if self.density_milli.is_open() {
            return Truth::Yes;
        }
        let area = figures.die_area_milli_mm2.filter(|area| *area > 0);
        match (figures.tpp_milli, area) {
            // Thousandths of TPP over thousandths of mm2 are TPP per mm2; the bounds are
            // thousandths of it.
            (Some(tpp), Some(area)) => {
                truth(self.density_milli.contain(1_000 * u128::from(tpp), area))
            }
            (None, Some(_)) => unknown([Missing::Tpp]),
            (Some(_), None) => unknown([Missing::DieArea]),
            (None, None) => unknown([Missing::Tpp, Missing::DieArea]),
        }
    }
}

/// Whether a figure that needs no division is within bounds.
fn plain(bounds: Bounds, figure: Option<u64>, missing: Missing) -> Truth {
    match figure {
        _ if bounds.is_open() => Truth::Yes,
        Some(figure) => truth(bounds.contain(figure.into(), 1)),
        None => unknown([missing]),
    }
}

/// A truth value that is known.
fn truth(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}

/// A truth value that is not.
fn unknown<const N: usize>(missing: [Missing; N]) -> Truth {
    Truth::Unknown(missing.into())
}
