//! `items`: a list of items with their whereabouts.

use chipledger_ledger::read::items::{ItemFilter, Which};
use chipledger_schemas::words::Status;
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs};

/// Chips or units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum KindName {
    /// Accelerators.
    Chip,
    /// Containers.
    Unit,
}

/// Lists items: where they are, with whom, whose.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Chips or units [default: both].
    #[arg(long, value_enum)]
    kind: Option<KindName>,
    /// Of this model, such as NVIDIA/H100-SXM5-80GB, or units of this kind, such as rack.
    #[arg(long)]
    model: Option<String>,
    /// At this site.
    #[arg(long)]
    site: Option<String>,
    /// In the custody of this member.
    #[arg(long)]
    holder: Option<String>,
    /// stock, in_transit, installed, decommissioned, irregular, seized, lost, stolen, destroyed or
    /// void.
    #[arg(long)]
    status: Option<Status>,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let filter = ItemFilter {
            which: self.kind.map(|kind| match kind {
                KindName::Chip => Which::Chips,
                KindName::Unit => Which::Units,
            }),
            model: self.model,
            site: self.site,
            holder: self.holder,
            status: self.status,
            limit: self.limit,
        };
        let told = source.items(&filter)?;
        let head = session::answer(&told);
        let row = |item: chipledger_ledger::read::items::Listed| {
            let at = item.whereabouts;
            vec![
                Value::text(&at.id),
                item.kind.into(),
                item.chips.into(),
                at.place.into(),
                Value::of(at.jurisdiction),
                Value::text(&at.holder),
                Value::text(&at.owner),
                Value::text(&at.user),
                Value::text(&at.status),
                Value::of(at.irregularity),
                Value::of(at.containers.first()),
                at.since.into(),
            ]
        };
        let table = Table {
            columns: vec![
                ("id", "id"),
                ("kind", "model or kind"),
                ("chips", "chips"),
                ("place", "place"),
                ("jurisdiction", "jurisdiction"),
                ("holder", "holder"),
                ("owner", "owner"),
                ("user", "user"),
                ("status", "status"),
                ("irregularity", "irregularity"),
                ("container", "in"),
                ("since", "since"),
            ],
            rows: told.answer.into_iter().map(row).collect(),
            total: None,
        };
        out.print(&head.table(table))
    }
}
