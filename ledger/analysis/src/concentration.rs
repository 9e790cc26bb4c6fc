//! How concentrated pooled compute is: over the rows whose place and figure are known, with bounds
//! for what is not, and how it changed between two moments.
//!
//! The measures are of shares `s = x / S` of the rows' amounts `x`, whose sum is `S`:
//!
//! | measure | formula | from | to |
//! |---|---|---|---|
//! | HHI | sum of s^2, times 10,000 | 10,000 / n | 10,000 |
//! | effective number | 1 / sum of s^2 | 1 | n |
//! | CRk | the k largest shares | k / n | 1 |
//! | Gini | sum of (2i - n - 1) x_i / (n S), x ascending, i from 1 | 0 | (n - 1) / n |
//! | Theil | sum of s ln(n s) | 0 | ln n |
//!
//! All but Theil's logarithm are exact ratios of integers, rounded down when they are shown.
//!
//! **Bounds.** Two things are unknown. What lies in an unknown country (`ZZ`) or is under way has
//! an amount `U` but no row. Chips of models without a figure have a row but no amount: each has
//! something from nothing to the highest figure of any model in the catalogue, so that all of them
//! have at most `W`. The bounds let both be anywhere:
//!
//! - high: `U + W` all belong to the largest row;
//! - low, for HHI, effective number and CR: `U + W` are spread over so many further rows that no
//!   one of them counts;
//! - low, for Gini and Theil, which depend on how many rows there are: `U + W` are spread over the
//!   rows there are so that the smallest are levelled up.
//!
//! The truth lies between whatever is the case, because all measures grow when an amount moves to a
//! larger row, or is added to the largest, and shrink when it is added to the smallest. The bounds
//! are wider than need be: they do not use that a chip without a figure has a row.

use chipledger_ledger::read::balances::{By, Compute, Filter};
use chipledger_ledger::read::concentration::Metric;
use chipledger_ledger::read::{AsOf, Moment};
use chipledger_schemas::api::Basis;
use chipledger_schemas::catalogue::ModelVersion;
use chipledger_schemas::jurisdiction::Jurisdiction;
use serde::{Deserialize, Serialize};

use crate::compute::{Rows, Standing, Sums};
use crate::names::{IN_TRANSIT, Names};

mod change;
mod measures;
mod theil;

pub use change::{Change, change};
pub use measures::{Measures, Millionths};

/// A question about concentration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// By what.
    pub by: By,
    /// Of what.
    pub metric: Metric,
    /// As of when.
    pub as_of: AsOf,
    /// Only accounts whose key in each of these dimensions is this.
    pub filters: Vec<Filter>,
}

/// A row's amount.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Share {
    /// Its key.
    pub key: String,
    /// How much of the metric: thousandths of TPP, MFLOP/s, MB, or chips.
    pub amount: u128,
    /// Of the sum of all rows, in millionths, rounded down.
    pub share: Millionths,
}

/// How concentrated the rows are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Concentration {
    /// The two times of the answer.
    pub moment: Moment,
    /// Whether it rests on committed accounts or on records.
    pub basis: Basis,
    /// By what.
    pub by: By,
    /// Of what.
    pub metric: Metric,
    /// Rows whose place is known, largest first.
    pub rows: Vec<Share>,
    /// Their sum.
    pub sum: u128,
    /// Amount whose place is not known, or that is under way: `U`.
    pub unplaced: u128,
    /// Chips of models that have no figure: chips, wherever they are.
    pub without_figure: u64,
    /// The most that these may have: `W`.
    pub without_figure_max: u128,
    /// Over the rows, as if nothing else were.
    pub known: Measures,
    /// The least that may be so.
    pub low: Measures,
    /// The most that may be so.
    pub high: Measures,
    /// Chips of all this that are disputed.
    pub disputed: u64,
    /// Chips of all this that are irregular.
    pub irregular: u64,
}

/// The answer: how concentrated the rows are, and how that came about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// At the moment asked for.
    pub concentration: Concentration,
    /// Since an earlier event time, if one was given.
    pub change: Option<Change>,
}

/// Measures what stands.
pub fn concentration(
    names: &Names,
    standing: impl Iterator<Item = Standing>,
    question: &Question,
    moment: Moment,
    basis: Basis,
) -> Concentration {
    let (by, metric) = (question.by, question.metric);
    let rows = Rows { by, cross: None };
    let sums = Sums::of(names, standing, rows, &question.filters, moment);
    let mut total = Compute::default();
    let (mut placed, mut unplaced) = (Vec::new(), 0);
    for (key, amounts) in sums.by_row() {
        total = total.plus(&amounts);
        if is_unplaced(by, key) {
            unplaced += metric.of(&amounts);
        } else {
            placed.push((key.to_owned(), metric.of(&amounts)));
        }
    }
    placed.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    let amounts: Vec<u128> = placed.iter().map(|(_, amount)| *amount).collect();
    let sum: u128 = amounts.iter().sum();
    let without_figure = without(metric, &total);
    let highest = names
        .models()
        .iter()
        .filter_map(|(_, model)| figure(metric, model))
        .max();
    let without_figure_max = u128::from(without_figure) * u128::from(highest.unwrap_or(0));
    let free = unplaced + without_figure_max;
    let share = |(key, amount): (String, u128)| Share {
        key,
        amount,
        share: Millionths::of(amount, sum),
    };
    Concentration {
        moment,
        basis,
        by,
        metric,
        rows: placed.into_iter().map(share).collect(),
        sum,
        unplaced,
        without_figure,
        without_figure_max,
        known: Measures::of(&amounts),
        low: Measures::low(&amounts, free),
        high: Measures::high(&amounts, free),
        disputed: total.disputed,
        irregular: total.irregular,
    }
}

/// Whether a row is no place of its own.
fn is_unplaced(by: By, key: &str) -> bool {
    match by {
        By::Jurisdiction | By::Headquarters | By::ParentCountry => {
            key == IN_TRANSIT || key == Jurisdiction::UNKNOWN.as_str()
        }
        // What is under way stands in the virtual site of its way.
        By::Site => key.contains("->"),
        _ => false,
    }
}

fn without(metric: Metric, total: &Compute) -> u64 {
    match metric {
        Metric::Tpp | Metric::H100e => total.chips_without_tpp,
        Metric::Fp16 => total.chips_without_fp16,
        Metric::Memory => total.chips_without_memory,
        Metric::Count => 0,
    }
}

fn figure(metric: Metric, model: &ModelVersion) -> Option<u64> {
    match metric {
        Metric::Tpp | Metric::H100e => model.tpp_milli,
        Metric::Fp16 => model.dense_fp16_mflops,
        Metric::Memory => model.memory_mb,
        Metric::Count => Some(1),
    }
}
