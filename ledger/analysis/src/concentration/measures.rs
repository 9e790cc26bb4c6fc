//! The measures of a set of amounts, as exact ratios.

use serde::{Deserialize, Serialize};

use super::theil;

/// A ratio in millionths, rounded down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millionths(pub u64);

/// Amounts are halved until their sum is below this, so that squares times a scale fit 128 bits.
/// Sums of the whole world's compute are below it: nothing is lost.
const SUM_MAX: u128 = 1 << 52;

impl Millionths {
    /// One.
    pub const ONE: u64 = 1_000_000;

    /// `part / whole`; nothing of nothing.
    pub fn of(part: u128, whole: u128) -> Self {
        let (mut part, mut whole) = (part, whole);
        while whole >= SUM_MAX * SUM_MAX {
            (part, whole) = (part / 2, whole / 2);
        }
        let ratio = (part * u128::from(Self::ONE))
            .checked_div(whole)
            .unwrap_or(0);
        Self(u64::try_from(ratio).unwrap_or(u64::MAX))
    }
}

/// How concentrated amounts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Measures {
    /// Herfindahl-Hirschman index, hundredths of a point; 10,000 points are one pool.
    pub hhi_hundredths: u64,
    /// How many equal rows would have the same HHI, in millionths.
    pub effective_number: Millionths,
    /// Share of the largest row.
    pub cr1: Millionths,
    /// Share of the three largest.
    pub cr3: Millionths,
    /// Share of the five largest.
    pub cr5: Millionths,
    /// Gini coefficient over the rows.
    pub gini: Millionths,
    /// Theil's T over the rows, in millionths of a nat: from a floating-point logarithm.
    pub theil: Millionths,
}

impl Measures {
    /// Of amounts.
    pub fn of(amounts: &[u128]) -> Self {
        let amounts = fitted(amounts);
        let sum = amounts.iter().sum();
        Self {
            gini: gini(&amounts),
            theil: theil::theil(&amounts),
            ..Self::of_shares(&amounts, sum)
        }
    }

    /// The least that may be so if further `free` may be anywhere.
    pub fn low(amounts: &[u128], free: u128) -> Self {
        let levelled = Self::of(&levelled(amounts, free));
        let mut fitting: Vec<u128> = amounts.to_vec();
        fitting.push(free);
        let mut fitting = fitted(&fitting);
        let sum: u128 = fitting.iter().sum();
        fitting.pop();
        let spread = Self::of_shares(&fitting, sum);
        Self {
            gini: levelled.gini,
            theil: levelled.theil,
            // The least concentrated has the largest effective number: `high` has the smallest.
            ..spread
        }
    }

    /// The most that may be so if further `free` may be anywhere.
    pub fn high(amounts: &[u128], free: u128) -> Self {
        let mut amounts = amounts.to_vec();
        match amounts.iter_mut().max() {
            Some(largest) => *largest += free,
            None => amounts.push(free),
        }
        Self::of(&amounts)
    }

    /// What follows from shares alone, however many rows there are.
    fn of_shares(amounts: &[u128], sum: u128) -> Self {
        let mut sorted = amounts.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let squares: u128 = sorted.iter().map(|amount| amount * amount).sum();
        let whole = sum * sum;
        let top = |k: usize| Millionths::of(sorted.iter().take(k).sum(), sum);
        let hhi = (squares * 1_000_000).checked_div(whole).unwrap_or(0);
        let effective = (whole * 1_000_000).checked_div(squares).unwrap_or(0);
        Self {
            hhi_hundredths: u64::try_from(hhi).unwrap_or(u64::MAX),
            effective_number: Millionths(u64::try_from(effective).unwrap_or(u64::MAX)),
            cr1: top(1),
            cr3: top(3),
            cr5: top(5),
            ..Self::default()
        }
    }
}

/// The same amounts, halved as often as it takes to square their sum.
fn fitted(amounts: &[u128]) -> Vec<u128> {
    let mut amounts = amounts.to_vec();
    while amounts.iter().sum::<u128>() >= SUM_MAX {
        amounts.iter_mut().for_each(|amount| *amount /= 2);
    }
    amounts
}

fn gini(amounts: &[u128]) -> Millionths {
    let mut sorted = amounts.to_vec();
    sorted.sort_unstable();
    let n = sorted.len() as u128;
    let sum: u128 = sorted.iter().sum();
    // Sum of (2i - n - 1) x_i in two parts that are never negative.
    let ranked: u128 = (1..)
        .zip(&sorted)
        .map(|(rank, amount)| 2 * rank * amount)
        .sum();
    Millionths::of(ranked.saturating_sub((n + 1) * sum), n * sum)
}

/// The amounts after `free` is poured over them: the smallest are levelled up together.
fn levelled(amounts: &[u128], free: u128) -> Vec<u128> {
    let mut sorted = amounts.to_vec();
    sorted.sort_unstable();
    let (mut free, mut level) = (free, 0);
    let mut filled = 0;
    for (lower, amount) in (0_u128..).zip(&sorted) {
        let needed = (amount - level) * lower;
        if needed > free {
            break;
        }
        free -= needed;
        level = *amount;
        filled += 1;
    }
    if let Some(each) = free.checked_div(filled as u128) {
        let rest = usize::try_from(free % filled as u128).unwrap_or(0);
        for (place, amount) in sorted.iter_mut().take(filled).enumerate() {
            *amount = level + each + u128::from(place < rest);
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_of_known_sets_are_those_of_the_textbook() {
        for (amounts, hhi, effective, cr1, gini, theil) in [
            (vec![7], 1_000_000, 1_000_000, 1_000_000, 0, 0),
            (vec![1, 1, 1, 1], 250_000, 4_000_000, 250_000, 0, 0),
            (
                vec![60, 30, 10],
                460_000,
                2_173_913,
                600_000,
                333_333,
                200_667,
            ),
            (
                vec![1, 0],
                1_000_000,
                1_000_000,
                1_000_000,
                500_000,
                693_147,
            ),
            (vec![], 0, 0, 0, 0, 0),
        ] {
            let got = Measures::of(&amounts);
            assert_eq!(got.hhi_hundredths, hhi, "HHI of {amounts:?}");
            assert_eq!(got.effective_number.0, effective, "1/HHI of {amounts:?}");
            assert_eq!(got.cr1.0, cr1, "CR1 of {amounts:?}");
            assert_eq!(got.gini.0, gini, "Gini of {amounts:?}");
            assert_eq!(got.theil.0, theil, "Theil of {amounts:?}");
        }
    }

    #[test]
    fn pouring_levels_the_smallest_and_keeps_the_sum() {
        assert_eq!(levelled(&[1, 5, 9], 4), [5, 5, 9]);
        assert_eq!(levelled(&[1, 5, 9], 6), [6, 6, 9]);
        assert_eq!(levelled(&[1, 5, 9], 100), [39, 38, 38]);
        assert_eq!(levelled(&[5, 9], 3), [8, 9]);
        assert_eq!(levelled(&[2, 2], 1), [3, 2]);
        assert!(levelled(&[], 3).is_empty());
    }

    /// The bounds hold whatever the unknown part is: tried on every way to deal it out in steps.
    #[test]
    fn no_way_to_deal_out_the_unknown_lies_outside_the_bounds() {
        let amounts = [50_u128, 30, 12, 8];
        for free in [0_u128, 7, 24, 90] {
            let (low, high) = (
                Measures::low(&amounts, free),
                Measures::high(&amounts, free),
            );
            let mut tried = 0;
            for ways in 0..5_u32.pow(5) {
                // What the unknown comes to, in sixths of the most; the last part is a new row.
                let parts: Vec<u128> = (0..5)
                    .map(|i| u128::from(ways / 5_u32.pow(i) % 5))
                    .collect();
                if parts.iter().sum::<u128>() > 6 {
                    continue;
                }
                let dealt = |part: u128| free * part / 6;
                let mut rows: Vec<u128> = (amounts.iter().zip(&parts))
                    .map(|(amount, part)| amount + dealt(*part))
                    .collect();
                let existing = Measures::of(&rows);
                rows.push(dealt(parts[4]));
                let all = Measures::of(&rows);
                assert!((low.hhi_hundredths..=high.hhi_hundredths).contains(&all.hhi_hundredths));
                assert!((low.cr1..=high.cr1).contains(&all.cr1));
                assert!((low.cr3..=high.cr3).contains(&all.cr3));
                assert!(high.effective_number <= all.effective_number);
                assert!(low.effective_number >= all.effective_number);
                if parts[4] == 0 {
                    assert!((low.gini..=high.gini).contains(&existing.gini));
                    assert!((low.theil..=high.theil).contains(&existing.theil));
                }
                tried += 1;
            }
            assert!(tried > 400, "{tried} ways");
        }
    }
}
