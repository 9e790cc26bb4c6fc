//! `coverage`: registered chips against outside estimates.

use chipledger_analysis::coverage::{self, Coverage, CoverageRow, OwnerRow};
use chipledger_ledger::answers;
use chipledger_schemas::api::Basis;
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Compares registered chips with outside estimates of what was made (Epoch AI, CC BY 4.0): the
/// residual by vendor, family and quarter, or by owner.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is compared.
    #[arg(long, value_enum, default_value = "production")]
    by: ByName,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ByName {
    /// Chips registered per quarter with chips made.
    Production,
    /// Chips in the book of owners with what they are thought to have got.
    Owner,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let view = store.view();
        let moment = view.moment(self.moment.as_of())?;
        let coverage = coverage::coverage(&view, moment)?;
        let told = answers::answer(&store, moment, Basis::Derived, coverage);
        let coverage = &told.answer;
        let share = u128::from(coverage.registered) * 1_000_000;
        let sum = |count: fn(&CoverageRow) -> u64| coverage.rows.iter().map(count).sum::<u64>();
        let head = session::answer(&told)
            .fact("registered_chips", "registered, with an estimate", coverage.registered)
            .fact("estimate_chips", "made, by the estimate", coverage.estimate)
            .fact(
                "covered_ppm",
                "registered of that %",
                Value::Scaled {
                    value: share.checked_div(coverage.estimate.into()).unwrap_or(0),
                    digits: 4,
                    shown: 4,
                },
            )
            .fact(
                "without_estimate_chips",
                "registered, without an estimate",
                coverage.without_estimate,
            )
            .fact("disputed_chips", "disputed", sum(|row| row.disputed))
            .fact("irregular_chips", "irregular", sum(|row| row.irregular));
        out.print(&head.table(match self.by {
            ByName::Production => production(coverage),
            ByName::Owner => owners(coverage),
        }))
    }
}

fn production(coverage: &Coverage) -> Table {
    let row = |row: &CoverageRow| {
        let estimate = |figure: fn(&coverage::Estimate) -> u64| {
            row.estimate.as_ref().map_or(Value::Absent, |estimate| figure(estimate).into())
        };
        vec![
            row.vendor.as_str().into(),
            row.family.as_str().into(),
            row.quarter.as_str().into(),
            Value::yes(row.over),
            row.registered.into(),
            estimate(|estimate| estimate.median),
            estimate(|estimate| estimate.low),
            estimate(|estimate| estimate.high),
            row.residual.map_or(Value::Absent, Value::signed),
            row.disputed.into(),
            row.irregular.into(),
        ]
    };
    Table {
        columns: vec![
            ("vendor", "vendor"),
            ("family", "family"),
            ("quarter", "quarter"),
            ("over", "over"),
            ("registered_chips", "registered"),
            ("made_chips", "made (median)"),
            ("made_low_chips", "5 %"),
            ("made_high_chips", "95 %"),
            ("residual_chips", "residual"),
            ("disputed_chips", "disputed"),
            ("irregular_chips", "irregular"),
        ],
        rows: coverage.rows.iter().map(row).collect(),
        total: None,
    }
}

fn owners(coverage: &Coverage) -> Table {
    let row = |row: &OwnerRow| {
        vec![
            row.owner.as_str().into(),
            row.family.as_str().into(),
            row.registered.into(),
            row.estimate.into(),
            Value::signed(row.residual),
        ]
    };
    Table {
        columns: vec![
            ("owner", "owner"),
            ("family", "family"),
            ("registered_chips", "in the book"),
            ("estimate_chips", "got (medians)"),
            ("residual_chips", "residual"),
        ],
        rows: coverage.owners.iter().map(row).collect(),
        total: None,
    }
}
