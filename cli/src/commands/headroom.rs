//! `headroom`: what is left under limits, and until when.

use chipledger_analysis::headroom::{self, Headroom};
use chipledger_ledger::answers;
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::records::set_limit::Measure;

use crate::error::{Class, Failure};
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Shows what is left under each limit: cap, consumed, under way, licensed and not shipped, and
/// when it is used up at the present rate.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only this limit.
    #[arg(value_name = "LIMIT")]
    limit: Option<DocumentId>,
    /// Days back that the rate is taken over.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 90,
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    rate_days: u32,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let as_of = self.moment.as_of();
        let view = store.view();
        let (moment, rows) =
            headroom::headroom(&view, self.limit.as_ref(), self.rate_days, as_of)?;
        if let (Some(limit), true) = (&self.limit, rows.is_empty()) {
            let message = format!("no limit {limit} on this ledger");
            let hint = "Check the id; without one, all limits are shown.";
            return Err(Failure::new(Class::NotFound, message, hint));
        }
        let told = answers::answer(&store, moment, as_of.basis(), rows);
        let head = session::answer(&told)
            .fact("limits", "limits", told.answer.len())
            .fact("rate_days", "rate over days", u64::from(self.rate_days));
        out.print(&head.table(table(&told.answer)))
    }
}

fn table(rows: &[Headroom]) -> Table {
    let row = |row: &Headroom| {
        let amount = |value: u128| match row.measure {
            Measure::Chips => Value::Count(value),
            Measure::TppMilli => Value::milli(value),
        };
        vec![
            row.limit.to_string().into(),
            row.name.as_str().into(),
            row.scope.as_str().into(),
            match row.measure {
                Measure::Chips => "chips",
                Measure::TppMilli => "TPP",
            }
            .into(),
            Value::yes(row.in_force),
            row.valid_until.into(),
            amount(row.cap),
            amount(row.consumed),
            amount(row.in_transit),
            row.licensed.map_or(Value::Absent, amount),
            row.licences_without_cap.into(),
            amount(row.headroom),
            amount(row.exceeded),
            u128::try_from(row.growth).map_or_else(|_| Value::signed(row.growth), amount),
            Value::of(row.exhausted_at),
            row.disputed_chips.into(),
            row.irregular_chips.into(),
            row.chips_without_figure.into(),
        ]
    };
    Table {
        columns: vec![
            ("limit", "limit"),
            ("name", "name"),
            ("scope", "scope"),
            ("measure", "in"),
            ("in_force", "in force"),
            ("valid_until", "until"),
            ("cap", "cap"),
            ("consumed", "consumed"),
            ("in_transit", "under way"),
            ("licensed", "licensed, not shipped"),
            ("licences_without_cap", "licences without cap"),
            ("headroom", "headroom"),
            ("exceeded", "exceeded by"),
            ("growth", "growth at that rate"),
            ("exhausted_at", "used up"),
            ("disputed_chips", "chips disputed"),
            ("irregular_chips", "irregular"),
            ("chips_without_figure", "without figure"),
        ],
        rows: rows.iter().map(row).collect(),
        total: None,
    }
}
