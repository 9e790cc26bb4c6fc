//! Theil's T: the one measure that needs a logarithm, and with it a float. The float decides
//! nothing and is shown rounded.

#![expect(
    clippy::float_arithmetic,
    reason = "a logarithm, of amounts that are exact until here"
)]

use super::measures::Millionths;

/// Sum of `s ln(n s)` over shares `s`, in millionths, rounded to the nearest.
pub(super) fn theil(amounts: &[u128]) -> Millionths {
    let sum = real(amounts.iter().sum());
    let n = real(amounts.len() as u128);
    let term = |amount: &u128| {
        let share = real(*amount) / sum;
        share * (n * share).ln()
    };
    // Nothing times the logarithm of nothing is nothing.
    let mut held: Vec<u128> = amounts
        .iter()
        .copied()
        .filter(|amount| *amount > 0)
        .collect();
    // In one order, so that one set of amounts has one sum.
    held.sort_unstable();
    let millionths = held.iter().map(term).sum::<f64>() * real(Millionths::ONE.into());
    rounded(millionths)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of 53 bits is shown with six digits"
)]
fn real(amount: u128) -> f64 {
    amount as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float as an integer saturates; the least is zero but for rounding"
)]
fn rounded(value: f64) -> Millionths {
    Millionths(value.round().max(0.0) as u64)
}
