//! Pooled compute by one dimension, or by two crossed, at any moment.
//!
//! What is under way and what lies in an unknown country (`ZZ`) are rows of their own, and the
//! total is the sum of the rows: nothing is spread, estimated or left out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chipledger_ledger::read::balances::{By, Compute, ComputeAnswer, Filter, NotADimension};
use chipledger_ledger::read::concentration::{Concentration, Metric};
use chipledger_ledger::read::{AsOf, Moment};
use chipledger_proof::state::ModelNumber;
use chipledger_schemas::api::Basis;
use serde::{Deserialize, Serialize};

use crate::book::Held;
use crate::names::{Keys, Names};

/// By what compute is summed: one dimension, or two crossed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rows {
    /// What rows are.
    pub by: By,
    /// What each row is divided by, if it is.
    pub cross: Option<By>,
}

/// The text names no rows. Write a dimension, or two of them with a comma between.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotRows {
    /// A word is no dimension.
    #[error(transparent)]
    Dimension(#[from] NotADimension),
    /// More than two, or one twice.
    #[error("{got:?} is not one dimension, or two different ones with a comma between")]
    Number {
        /// What was given.
        got: String,
    },
}

impl FromStr for Rows {
    type Err = NotRows;
    fn from_str(text: &str) -> Result<Self, NotRows> {
        let number = || NotRows::Number {
            got: text.to_owned(),
        };
        let mut words = text.split(',');
        let by: By = words.next().unwrap_or_default().parse()?;
        let cross: Option<By> = words.next().map(str::parse).transpose()?;
        if words.next().is_some() || cross == Some(by) {
            return Err(number());
        }
        Ok(Self { by, cross })
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.by.as_str())?;
        match self.cross {
            Some(cross) => write!(f, ",{}", cross.as_str()),
            None => Ok(()),
        }
    }
}

/// A question about pooled compute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// By what.
    pub rows: Rows,
    /// As of when.
    pub as_of: AsOf,
    /// Only accounts whose key in each of these dimensions is this.
    pub filters: Vec<Filter>,
    /// By what concentration is counted.
    pub metric: Metric,
}

/// Its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pooled {
    /// Rows by key, and their sum.
    pub compute: ComputeAnswer,
    /// By what each row is divided, if that was asked for.
    pub cross: Option<By>,
    /// Each row divided: what the parts of a row sum to is the row.
    pub crossed: BTreeMap<String, BTreeMap<String, Compute>>,
    /// How concentrated the rows are.
    pub concentration: Concentration,
}

/// Chips of one model on one account: account number, model, chips.
pub type Standing = ((u32, ModelNumber), Held);

/// Sums what stands.
pub fn pooled(
    names: &Names,
    standing: impl Iterator<Item = Standing>,
    question: &Question,
    moment: Moment,
    basis: Basis,
) -> Pooled {
    let cross = question.rows.cross;
    let sums = Sums::of(names, standing, question.rows, &question.filters, moment);
    let mut compute = ComputeAnswer {
        moment,
        basis,
        rows: BTreeMap::new(),
        total: Compute::default(),
    };
    for (row, amounts) in sums.by_row() {
        compute.total = compute.total.plus(&amounts);
        compute.rows.insert(row.to_owned(), amounts);
    }
    let mut crossed: BTreeMap<String, BTreeMap<String, Compute>> = BTreeMap::new();
    for (row, part, amounts) in sums.by_part() {
        let parts = crossed.entry(row.to_owned()).or_default();
        parts.insert(part.to_owned(), amounts);
    }
    let concentration = Concentration::of(&compute, question.metric);
    Pooled {
        compute,
        cross,
        crossed,
        concentration,
    }
}

/// Sums by code.
pub(crate) struct Sums<'n> {
    rows: Keys<'n>,
    parts: Option<Keys<'n>>,
    by_row: Vec<Compute>,
    by_part: BTreeMap<(u32, u32), Compute>,
}

impl<'n> Sums<'n> {
    /// Sums what stands and passes the filters.
    pub(crate) fn of(
        names: &'n Names,
        standing: impl Iterator<Item = Standing>,
        rows: Rows,
        filters: &[Filter],
        moment: Moment,
    ) -> Self {
        let sieve = Sieve::of(names, filters, moment);
        let mut sums = Self {
            rows: names.keys(rows.by, moment),
            parts: rows.cross.map(|cross| names.keys(cross, moment)),
            by_row: Vec::new(),
            by_part: BTreeMap::new(),
        };
        sums.by_row
            .resize(sums.rows.texts.len(), Compute::default());
        for ((account, model), held) in standing {
            if !sieve.lets_pass(account, model) {
                continue;
            }
            let row = sums.rows.code(account, model);
            let irregular = names.is_irregular(account);
            let figures = names.model(model);
            let Held { chips, disputed } = held;
            if let Some(sum) = sums.by_row.get_mut(row as usize) {
                sum.add(chips, disputed, irregular, figures);
            }
            if let Some(parts) = &sums.parts {
                let part = parts.code(account, model);
                let sum = sums.by_part.entry((row, part)).or_default();
                sum.add(chips, disputed, irregular, figures);
            }
        }
        sums
    }

    /// Rows that hold something, with their keys.
    pub(crate) fn by_row(&self) -> impl Iterator<Item = (&str, Compute)> {
        let rows = self.rows.texts.iter().zip(&self.by_row);
        let held = rows.filter(|(_, amounts)| amounts.chips > 0);
        held.map(|(text, amounts)| (text.as_str(), *amounts))
    }

    /// Their parts.
    fn by_part(&self) -> impl Iterator<Item = (&str, &str, Compute)> {
        self.by_part.iter().filter_map(|((row, part), amounts)| {
            let parts = self.parts.as_ref()?;
            let row = self.rows.texts.get(*row as usize)?;
            let part = parts.texts.get(*part as usize)?;
            Some((row.as_str(), part.as_str(), *amounts))
        })
    }
}

/// What filters let pass.
pub(crate) struct Sieve<'n> {
    filters: Vec<(Keys<'n>, Vec<bool>)>,
}

impl<'n> Sieve<'n> {
    pub(crate) fn of(names: &'n Names, filters: &[Filter], moment: Moment) -> Self {
        let sieve = |filter: &Filter| {
            let keys = names.keys(filter.by, moment);
            let is_meant = |text: &String| text.eq_ignore_ascii_case(&filter.value);
            let meant = keys.texts.iter().map(is_meant).collect();
            (keys, meant)
        };
        Self {
            filters: filters.iter().map(sieve).collect(),
        }
    }

    pub(crate) fn lets_pass(&self, account: u32, model: ModelNumber) -> bool {
        let passes = |(keys, meant): &(Keys<'_>, Vec<bool>)| {
            let code = keys.code(account, model) as usize;
            meant.get(code).copied().unwrap_or(false)
        };
        self.filters.iter().all(passes)
    }
}
