//! How the HHI changed between two moments, and why.
//!
//! With shares `p` before and `q` after, of the rows whose place is known:
//!
//! ```text
//! HHI' - HHI = entry + exit + shift + dilution
//!
//! entry    = sum of q^2 of rows that held nothing before
//! exit     = - sum of p^2 of rows that hold nothing after
//! shift    = (P^2 + Q^2) / 2 x (h' - h)
//! dilution = (h + h') / 2 x (Q^2 - P^2)
//! ```
//!
//! `P` and `Q` are what the rows that stay have of the whole before and after, and `h`, `h'` the
//! HHI among themselves: *shift* is what became of their shares of each other, *dilution* what
//! they all
//! gave to those that came, or got from those that left. It is the decomposition of a product into
//! the effects of its two factors at the mean of the other, which treats before and after alike,
//! and leaves no rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Concentration;

/// The change between two moments, in hundredths of a point of HHI. Each part is rounded to the
/// nearest, and the last digit of their sum may differ from the change by as much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Change {
    /// HHI before, hundredths of a point.
    pub before: i64,
    /// HHI after.
    pub after: i64,
    /// By rows that held nothing before.
    pub entry: i64,
    /// By rows that hold nothing after.
    pub exit: i64,
    /// By shares that passed among the rows that stay.
    pub shift: i64,
    /// By what the rows that stay gave to those that came, or got from those that left.
    pub dilution: i64,
}

/// Shares are counted in parts of this, so that products of four fit 128 bits.
const ONE: i128 = 1 << 30;

/// Decomposes the change from one answer to another about the same rows.
pub fn change(before: &Concentration, after: &Concentration) -> Change {
    let mut shares: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for row in &before.rows {
        shares.entry(&row.key).or_default().0 = part(row.amount, before.sum);
    }
    for row in &after.rows {
        shares.entry(&row.key).or_default().1 = part(row.amount, after.sum);
    }
    let mut sums = Sums::default();
    for (p, q) in shares.values().copied() {
        match (p, q) {
            (0, q) => sums.entry += q * q,
            (p, 0) => sums.exit += p * p,
            (p, q) => {
                sums.stay = (sums.stay.0 + p, sums.stay.1 + q);
                sums.squares = (sums.squares.0 + p * p, sums.squares.1 + q * q);
            }
        }
    }
    sums.change()
}

fn part(amount: u128, sum: u128) -> i128 {
    let (mut amount, mut sum) = (amount, sum);
    while sum >= 1 << 90 {
        (amount, sum) = (amount / 2, sum / 2);
    }
    let part = (amount * ONE.unsigned_abs()).checked_div(sum).unwrap_or(0);
    i128::try_from(part).unwrap_or(ONE)
}

#[derive(Default)]
struct Sums {
    entry: i128,
    exit: i128,
    /// Sum of the shares of rows that stay: `P` and `Q`.
    stay: (i128, i128),
    /// Sum of their squares: `P^2 h` and `Q^2 h'`.
    squares: (i128, i128),
}

impl Sums {
    fn change(&self) -> Change {
        let whole = ONE * ONE;
        let squared = |share: i128| share * share;
        let (p2, q2) = (squared(self.stay.0), squared(self.stay.1));
        // HHI of the rows that stay among themselves, in parts of the whole.
        let among = |squares: i128, of: i128| ratio(squares, of, whole);
        let (h, h2) = (among(self.squares.0, p2), among(self.squares.1, q2));
        let shift = ratio(p2 + q2, 2 * whole, h2 - h);
        // What is left of the rows that stay: so that nothing is left over.
        let dilution = (self.squares.1 - self.squares.0) - shift;
        Change {
            before: points(self.squares.0 + self.exit),
            after: points(self.squares.1 + self.entry),
            entry: points(self.entry),
            exit: -points(self.exit),
            shift: points(shift),
            dilution: points(dilution),
        }
    }
}

/// `a / b x c` without overflow: `a` is at most `b`, up to rounding, and all are below 2^62.
fn ratio(a: i128, b: i128, c: i128) -> i128 {
    (a * c).checked_div(b).unwrap_or(0)
}

/// Hundredths of a point, rounded to the nearest.
fn points(squares: i128) -> i64 {
    let whole = ONE * ONE;
    let scaled = squares * 1_000_000;
    let half = if scaled < 0 { -whole / 2 } else { whole / 2 };
    i64::try_from((scaled + half) / whole).unwrap_or(0)
}
