//! `concentration`: how concentrated pooled compute is, with bounds for what is not known.

use chipledger_analysis::concentration::{Change, Concentration, Measures, Millionths, Question};
use chipledger_ledger::read::balances::{By, Filter};
use chipledger_ledger::read::concentration::Metric;
use chipledger_schemas::time::Time;

use super::compute::{metrics, with_filters};
use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Measures how concentrated compute is: HHI, largest shares, Gini and Theil, with bounds.
///
/// What is under way, in an unknown country or of a model without a figure may belong anywhere. The
/// high bound gives all of it to the largest row; the low one spreads it as thinly as can be.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// jurisdiction, site, holder, owner, parent, headquarters, parent_country, user, status or
    /// model.
    #[arg(long, default_value = "jurisdiction")]
    by: By,
    /// Of what.
    #[arg(long, default_value = "tpp", value_parser = metrics())]
    metric: Metric,
    /// Also tells how HHI changed since this event time, and why.
    #[arg(long, value_name = "TIME")]
    since: Option<Time>,
    /// Only what is so in another dimension, such as status=installed; may be repeated.
    #[arg(long = "where", value_name = "DIM=VALUE")]
    filters: Vec<Filter>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let question = Question {
            by: self.by,
            metric: self.metric,
            as_of: self.moment.as_of(),
            filters: self.filters,
        };
        let told = source.concentration(&question, self.since)?;
        let concentration = &told.answer.concentration;
        let head = with_filters(session::answer(&told), &question.filters);
        let head = with_rows(head, concentration);
        let head = match (self.since, told.answer.change) {
            (Some(since), Some(change)) => with_change(head, since, change),
            _ => head,
        };
        out.print(&head.table(table(concentration)))
    }
}

fn with_rows(head: Answer, told: &Concentration) -> Answer {
    let head = head
        .fact("by", "by", told.by.as_str())
        .fact("metric", "metric", told.metric.as_str())
        .fact("rows", "rows", told.rows.len());
    let head = match told.rows.first() {
        Some(largest) => head.fact("largest", "largest row", largest.key.clone()),
        None => head,
    };
    let unplaced = share(Millionths::of(told.unplaced, told.unplaced + told.sum));
    head.fact("unplaced_ppm", "under way or unknown place %", unplaced)
        .fact(
            "without_figure",
            "chips of models without a figure",
            told.without_figure,
        )
        .fact("disputed", "disputed chips", told.disputed)
        .fact("irregular", "irregular chips", told.irregular)
}

fn with_change(head: Answer, since: Time, change: Change) -> Answer {
    let points = |value: i64| Value::Change {
        value,
        digits: 2,
        shown: 2,
    };
    let before = u64::try_from(change.before).unwrap_or(0);
    head.fact("since", "change since", since)
        .fact("hhi_before_hundredths", "HHI then", hundredths(before))
        .fact(
            "hhi_change_hundredths",
            "HHI change",
            points(change.after - change.before),
        )
        .fact("entry_hundredths", "by rows that came", points(change.entry))
        .fact("exit_hundredths", "by rows that left", points(change.exit))
        .fact(
            "shift_hundredths",
            "by shifts among rows that stay",
            points(change.shift),
        )
        .fact(
            "dilution_hundredths",
            "by what those gave or got",
            points(change.dilution),
        )
}

fn hundredths(value: u64) -> Value {
    Value::Scaled {
        value: value.into(),
        digits: 2,
        shown: 2,
    }
}

/// A share, in percent.
fn share(Millionths(value): Millionths) -> Value {
    Value::Scaled {
        value: value.into(),
        digits: 4,
        shown: 2,
    }
}

fn ratio(Millionths(value): Millionths) -> Value {
    Value::Scaled {
        value: value.into(),
        digits: 6,
        shown: 4,
    }
}

fn table(told: &Concentration) -> Table {
    let rows: [(&str, fn(&Measures) -> Value); 7] = [
        ("HHI (0 to 10,000)", |m| hundredths(m.hhi_hundredths)),
        ("effective number", |m| ratio(m.effective_number)),
        ("CR1 %", |m| share(m.cr1)),
        ("CR3 %", |m| share(m.cr3)),
        ("CR5 %", |m| share(m.cr5)),
        ("Gini", |m| ratio(m.gini)),
        ("Theil", |m| ratio(m.theil)),
    ];
    let sides = [&told.low, &told.known, &told.high];
    let row = |(name, of): (&str, fn(&Measures) -> Value)| {
        let mut row = vec![Value::from(name)];
        row.extend(sides.iter().map(|side| of(side)));
        row
    };
    Table {
        columns: vec![
            ("measure", "measure"),
            ("low", "least concentrated"),
            ("known", "known rows"),
            ("high", "most concentrated"),
        ],
        rows: rows.into_iter().map(row).collect(),
        total: None,
    }
}
