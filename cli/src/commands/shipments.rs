//! `shipments`: what is under way, and what is late.

use chipledger_ledger::read::shipments::{ListedShipment, OpenShipment};
use chipledger_proof::state::ShipmentState;
use chipledger_schemas::time::{DAY_MS, Time};

use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Lists shipments, or only those past their expected arrival; with --at or --known-at those that
/// were open then.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only open ones past their expected arrival.
    #[arg(long)]
    overdue: bool,
    /// Overdue as of this time [default: now; in a replay, the last block's time].
    #[arg(long, value_name = "TIME", conflicts_with_all = ["at", "known_at"])]
    now: Option<Time>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let as_of = self.moment.as_of();
        if !as_of.is_now() {
            let told = source.open_shipments(as_of, self.overdue)?;
            let head = session::answer(&told).fact("now", "overdue as of", told.answer.now);
            let rows = told.answer.shipments.into_iter().map(open_row).collect();
            return out.print(&head.table(open_table(rows)));
        }
        let told = source.shipments(self.now, self.overdue)?;
        let head = session::answer(&told).fact("now", "overdue as of", told.answer.now);
        let table = Table {
            columns: vec![
                ("id", "shipment"),
                ("state", "state"),
                ("from_site", "from"),
                ("to", "to"),
                ("to_site", "to site"),
                ("carrier", "carrier"),
                ("shipped_at", "shipped at"),
                ("expected_at", "expected at"),
                ("overdue_ms", "overdue days"),
                ("shipped", "shipped"),
                ("outstanding", "outstanding"),
                ("missing", "missing"),
                ("licence", "licence"),
            ],
            rows: told.answer.shipments.into_iter().map(row).collect(),
            total: None,
        };
        out.print(&head.table(table))
    }
}

fn open_table(rows: Vec<Vec<Value>>) -> Table {
    Table {
        columns: vec![
            ("id", "shipment"),
            ("from_site", "from"),
            ("to", "to"),
            ("to_site", "to site"),
            ("carrier", "carrier"),
            ("shipped_at", "shipped at"),
            ("expected_at", "expected at"),
            ("overdue_ms", "overdue days"),
            ("shipped", "shipped"),
            ("outstanding", "outstanding"),
            ("lost", "lost"),
        ],
        rows,
        total: None,
    }
}

fn overdue(ms: Option<u64>) -> Value {
    ms.map_or(Value::Absent, |ms| Value::Span {
        ms,
        unit_ms: DAY_MS,
    })
}

fn open_row(open: OpenShipment) -> Vec<Value> {
    vec![
        Value::text(&open.id),
        Value::text(&open.from_site),
        Value::text(&open.to),
        Value::text(&open.to_site),
        Value::of(open.carrier),
        open.shipped_at.into(),
        open.expected_at.into(),
        overdue(open.overdue_ms),
        open.shipped.into(),
        open.outstanding.into(),
        open.lost.into(),
    ]
}

fn row(listed: ListedShipment) -> Vec<Value> {
    let shipment = listed.shipment;
    let state = match shipment.state {
        ShipmentState::Open => "open",
        ShipmentState::Closed => "closed",
        ShipmentState::Void => "void",
    };
    vec![
        Value::text(&listed.id),
        state.into(),
        Value::text(&shipment.from_site),
        Value::text(&shipment.to),
        Value::text(&shipment.to_site),
        Value::of(shipment.carrier),
        shipment.shipped_at.into(),
        shipment.expected_at.into(),
        overdue(listed.overdue_ms),
        shipment.shipped.into(),
        shipment.outstanding.into(),
        shipment.missing.into(),
        Value::of(shipment.licence),
    ]
}
