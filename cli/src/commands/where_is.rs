//! `where`: where an item is, or was.

use chipledger_schemas::ids::ItemId;

use crate::error::Failure;
use crate::output::{Output, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Says where an item is, or was: place, containers, holder, owner, user, status.
#[derive(clap::Args, Debug)]
#[command(name = "where")]
pub struct Args {
    /// The item: issuer:serial, or a GS1 EPC URN.
    #[arg(value_parser = session::item_id)]
    item: ItemId,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let told = source.whereabouts(&self.item, self.moment.as_of())?;
        let head = session::answer(&told);
        let (found, record) = (told.answer.whereabouts, told.answer.record_id);
        let containers: Vec<_> = found.containers.iter().map(ToString::to_string).collect();
        let answer = head
            .fact("id", "item", found.id.to_string())
            .fact("place", "place", found.place)
            .fact(
                "jurisdiction",
                "jurisdiction",
                Value::of(found.jurisdiction),
            )
            .fact("shipment", "shipment", Value::of(found.shipment))
            .fact("containers", "inside", containers)
            .fact("holder", "holder", found.holder.to_string())
            .fact("owner", "owner", found.owner.to_string())
            .fact("user", "user", found.user.to_string())
            .fact("status", "status", found.status.to_string())
            .fact(
                "irregularity",
                "irregularity",
                Value::of(found.irregularity),
            )
            .fact("since", "since", found.since)
            .fact("record", "record", Value::of(record));
        out.print(&answer)
    }
}
