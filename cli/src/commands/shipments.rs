//! `shipments`: what is under way, and what is late.

use chipledger_ledger::read::shipments::ListedShipment;
use chipledger_proof::state::ShipmentState;
use chipledger_schemas::time::{DAY_MS, Time};

use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs};

/// Lists shipments, or only those past their expected arrival.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only open ones past their expected arrival.
    #[arg(long)]
    overdue: bool,
    /// Overdue as of this time [default: now; in a replay, the last block's time].
    #[arg(long, value_name = "TIME")]
    now: Option<Time>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
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

fn row(listed: ListedShipment) -> Vec<Value> {
    let shipment = listed.shipment;
    let state = match shipment.state {
        ShipmentState::Open => "open",
        ShipmentState::Closed => "closed",
        ShipmentState::Void => "void",
    };
    let overdue = listed.overdue_ms.map_or(Value::Absent, |ms| Value::Span {
        ms,
        unit_ms: DAY_MS,
    });
    vec![
        Value::text(&listed.id),
        state.into(),
        Value::text(&shipment.from_site),
        Value::text(&shipment.to),
        Value::text(&shipment.to_site),
        Value::of(shipment.carrier),
        shipment.shipped_at.into(),
        shipment.expected_at.into(),
        overdue,
        shipment.shipped.into(),
        shipment.outstanding.into(),
        shipment.missing.into(),
        Value::of(shipment.licence),
    ]
}
