//! `compute`: pooled compute by a dimension, with its concentration.

use std::str::FromStr;

use chipledger_ledger::read::balances::{By, Compute, ComputeAnswer, ComputeQuery};
use chipledger_schemas::catalogue::H100e;
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// By what shares and concentration are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Metric {
    /// Total processing performance: dense TOPS x bits at the best precision.
    Tpp,
    /// TPP in units of one H100 (15,832).
    H100e,
    /// Dense 16-bit performance.
    Fp16,
    /// Memory.
    Memory,
    /// Accelerators.
    Count,
}

impl Metric {
    fn of(self, compute: &Compute) -> u128 {
        match self {
            Self::Tpp | Self::H100e => compute.tpp_milli,
            Self::Fp16 => compute.fp16_mflops,
            Self::Memory => compute.memory_mb,
            Self::Count => compute.chips.into(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tpp => "tpp",
            Self::H100e => "h100e",
            Self::Fp16 => "fp16",
            Self::Memory => "memory",
            Self::Count => "count",
        }
    }
}

/// Sums pooled compute, now or as of any time, with shares and concentration.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// jurisdiction, site, holder, owner, parent, user, status or model.
    #[arg(long, default_value = "jurisdiction")]
    by: By,
    /// By what shares and concentration are counted.
    #[arg(long, value_enum, default_value = "tpp")]
    metric: Metric,
    /// Only what is so in another dimension, such as status=installed; may be repeated.
    #[arg(long = "where", value_name = "DIM=VALUE", value_parser = filter)]
    filters: Vec<(By, String)>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

fn filter(text: &str) -> Result<(By, String), String> {
    let (dimension, value) = text.split_once('=').ok_or_else(|| {
        format!("{text:?} is no filter; write dimension=value, such as status=installed")
    })?;
    let by = By::from_str(dimension).map_err(|error| error.to_string())?;
    Ok((by, value.trim().to_owned()))
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read()?;
        let query = ComputeQuery {
            by: self.by,
            as_of: self.moment.as_of(),
            filters: self.filters,
        };
        let answer = store.view().compute(&query)?;
        let head = session::answer(&store, &answer.moment, answer.basis);
        let filters: Vec<_> = query
            .filters
            .iter()
            .map(|(by, value)| format!("{}={value}", by.as_str()))
            .collect();
        let head = if filters.is_empty() {
            head
        } else {
            head.fact("where", "where", filters)
        };
        out.print(&with_concentration(head, self.metric, &answer).table(table(
            self.by,
            self.metric,
            &answer,
        )))
    }
}

/// Names of rows that are no place of their own.
const UNPLACED: [&str; 2] = ["ZZ", "in transit"];

fn with_concentration(head: Answer, metric: Metric, answer: &ComputeAnswer) -> Answer {
    let all = answer.rows.values().map(|row| metric.of(row));
    let head = head.fact("metric", "metric", metric.name()).fact(
        "hhi",
        "HHI (0 to 10,000)",
        Value::Count(hhi(all)),
    );
    if !answer
        .rows
        .keys()
        .any(|key| UNPLACED.contains(&key.as_str()))
    {
        return head;
    }
    // What is under way or in an unknown country is not one pool; without it the index is that of
    // known places.
    let placed = answer
        .rows
        .iter()
        .filter(|(key, _)| !UNPLACED.contains(&key.as_str()));
    let placed = hhi(placed.map(|(_, row)| metric.of(row)));
    head.fact(
        "hhi_placed",
        "HHI without ZZ and transit",
        Value::Count(placed),
    )
}

/// Herfindahl-Hirschman index, 0 to 10,000: the sum of squared percentage shares, rounded down.
fn hhi(amounts: impl Iterator<Item = u128>) -> u128 {
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
    amounts.iter().map(|amount| amount * amount).sum::<u128>() * 10_000 / (sum * sum)
}

fn table(by: By, metric: Metric, answer: &ComputeAnswer) -> Table {
    let total = &answer.total;
    let sum = metric.of(total);
    let columns = columns(by, metric, total);
    let mut sorted: Vec<_> = answer.rows.iter().collect();
    sorted.sort_by(|a, b| metric.of(b.1).cmp(&metric.of(a.1)).then(a.0.cmp(b.0)));
    let row = |key: &str, amounts: &Compute| -> Vec<Value> {
        columns
            .iter()
            .map(|(column, _)| cell(column, key, amounts, metric, sum))
            .collect()
    };
    Table {
        rows: sorted
            .into_iter()
            .map(|(key, amounts)| row(key, amounts))
            .collect(),
        total: Some(row("total", total)),
        columns,
    }
}

/// Columns: what is there only to mark an exception is left out where there is none.
fn columns(by: By, metric: Metric, total: &Compute) -> Vec<(&'static str, &'static str)> {
    let mut columns = vec![
        (by.as_str(), by.as_str()),
        ("chips", "chips"),
        ("tpp_milli", "TPP"),
        ("h100e_milli", "H100e"),
        ("share_ppm", "share %"),
    ];
    match metric {
        Metric::Fp16 => columns.push(("fp16_mflops", "FP16 PFLOP/s")),
        Metric::Memory => columns.push(("memory_mb", "memory TB")),
        Metric::Tpp | Metric::H100e | Metric::Count => {}
    }
    let exceptions = [
        (
            total.chips_without_tpp,
            ("chips_without_tpp", "chips without TPP"),
        ),
        (total.disputed, ("disputed", "disputed")),
        (total.irregular, ("irregular", "irregular")),
    ];
    columns.extend(
        exceptions
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, column)| column),
    );
    columns
}

fn cell(column: &str, key: &str, row: &Compute, metric: Metric, sum: u128) -> Value {
    match column {
        "chips" => row.chips.into(),
        "tpp_milli" => Value::milli(row.tpp_milli),
        "h100e_milli" => Value::milli(
            H100e {
                tpp_milli: row.tpp_milli,
            }
            .milli(),
        ),
        "share_ppm" => Value::Scaled {
            value: (metric.of(row) * 1_000_000).checked_div(sum).unwrap_or(0),
            digits: 4,
            shown: 2,
        },
        "fp16_mflops" => Value::Scaled {
            value: row.fp16_mflops,
            digits: 9,
            shown: 1,
        },
        "memory_mb" => Value::Scaled {
            value: row.memory_mb,
            digits: 6,
            shown: 1,
        },
        "chips_without_tpp" => row.chips_without_tpp.into(),
        "disputed" => row.disputed.into(),
        "irregular" => row.irregular.into(),
        _ => key.into(),
    }
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
}
