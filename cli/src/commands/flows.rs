//! `flows`: what came and went between rows in a period.

use chipledger_analysis::flows::{Flow, Flows, Passage, Question};
use chipledger_ledger::read::Known;
use chipledger_ledger::read::balances::{By, Compute, Filter};
use chipledger_ledger::read::concentration::Metric;
use chipledger_schemas::catalogue::H100e;
use chipledger_schemas::time::Time;
use clap::ValueEnum;

use super::compute::{metrics, with_filters};
use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs};

/// What is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Show {
    /// Each row from opening to closing.
    Rows,
    /// From which row to which.
    Moves,
    /// Arrivals out of transit, by where the shipment had left.
    Arrivals,
}

/// Tells what came and went in a period, per row and from row to row.
///
/// Per row, opening + created + came - went - ended = closing.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Between what: jurisdiction, site, holder, owner, parent, headquarters, parent_country, user,
    /// status or model.
    #[arg(long, default_value = "jurisdiction")]
    by: By,
    /// The period begins behind this event time.
    #[arg(long, value_name = "TIME")]
    since: Time,
    /// The period ends with this event time [default: now].
    #[arg(long = "at", alias = "until", value_name = "TIME")]
    until: Option<Time>,
    /// As the ledger knew it at this block time or height [default: the last height].
    #[arg(long, value_name = "TIME|HEIGHT")]
    known_at: Option<Known>,
    /// What is listed.
    #[arg(long, value_enum, default_value = "rows")]
    show: Show,
    /// In what it is told.
    #[arg(long, default_value = "count", value_parser = metrics())]
    metric: Metric,
    /// Only what is so in another dimension, such as model=NVIDIA/H20; may be repeated.
    #[arg(long = "where", value_name = "DIM=VALUE")]
    filters: Vec<Filter>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let question = Question {
            by: self.by,
            since: self.since,
            until: self.until,
            known_at: self.known_at,
            filters: self.filters,
        };
        let told = source.flows(&question)?;
        let head = session::answer(&told)
            .fact("since", "since", told.answer.since)
            .fact("metric", "metric", unit(self.metric));
        let head = with_filters(head, &question.filters);
        let table = match self.show {
            Show::Rows => rows(&told.answer, self.metric),
            Show::Moves => passages(&told.answer.moves, self.metric),
            Show::Arrivals => passages(&told.answer.arrivals, self.metric),
        };
        out.print(&head.table(table))
    }
}

/// The metric with the unit that people read, and what programs get.
fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Tpp => "TPP (thousandths for programs)",
        Metric::H100e => "H100e (thousandths for programs)",
        Metric::Fp16 => "dense FP16 PFLOP/s (MFLOP/s for programs)",
        Metric::Memory => "memory TB (MB for programs)",
        Metric::Count => "chips",
    }
}

fn amount(metric: Metric, compute: &Compute) -> Value {
    match metric {
        Metric::Tpp => Value::milli(compute.tpp_milli),
        Metric::H100e => {
            let tpp_milli = compute.tpp_milli;
            Value::milli(H100e { tpp_milli }.milli())
        }
        Metric::Fp16 => Value::Scaled {
            value: compute.fp16_mflops,
            digits: 9,
            shown: 1,
        },
        Metric::Memory => Value::Scaled {
            value: compute.memory_mb,
            digits: 6,
            shown: 1,
        },
        Metric::Count => compute.chips.into(),
    }
}

fn rows(told: &Flows, metric: Metric) -> Table {
    let row = |key: &str, flow: &Flow| {
        let mut row = vec![Value::from(key)];
        let Flow {
            opening,
            created,
            came,
            went,
            ended,
            closing,
        } = flow;
        let sides = [opening, created, came, went, ended, closing];
        row.extend(sides.map(|side| amount(metric, side)));
        row.push(closing.disputed.into());
        row.push(closing.irregular.into());
        row
    };
    let mut sorted: Vec<_> = told.rows.iter().collect();
    let size = |flow: &Flow| metric.of(&flow.closing);
    sorted.sort_by(|(a, x), (b, y)| size(y).cmp(&size(x)).then(a.cmp(b)));
    Table {
        columns: vec![
            (told.by.as_str(), told.by.as_str()),
            ("opening", "opening"),
            ("created", "+ created"),
            ("came", "+ came"),
            ("went", "- went"),
            ("ended", "- ended"),
            ("closing", "= closing"),
            ("disputed", "disputed"),
            ("irregular", "irregular"),
        ],
        rows: sorted.into_iter().map(|(key, flow)| row(key, flow)).collect(),
        total: Some(row("total", &told.total)),
    }
}

fn passages(passages: &[Passage], metric: Metric) -> Table {
    let row = |passage: &&Passage| {
        vec![
            Value::from(passage.from.as_str()),
            Value::from(passage.to.as_str()),
            amount(metric, &passage.amounts),
        ]
    };
    let mut sorted: Vec<_> = passages.iter().collect();
    let size = |passage: &Passage| metric.of(&passage.amounts);
    sorted.sort_by(|a, b| size(b).cmp(&size(a)).then((&a.from, &a.to).cmp(&(&b.from, &b.to))));
    Table {
        columns: vec![("from", "from"), ("to", "to"), ("amount", metric.as_str())],
        rows: sorted.iter().map(row).collect(),
        total: None,
    }
}
