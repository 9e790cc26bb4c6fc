//! `void-shipment`: takes a shipment back before departure; names every item still under way.

use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::records::{Record, VoidShipment};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Takes a shipment back before departure; names every item still under way.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Shipment, MEMBER:REFERENCE.
    #[arg(long)]
    shipment: DocumentId,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::VoidShipment(VoidShipment {
                shipment: self.shipment,
                items,
                reason: self.reason,
                occurred_at,
            })])
        })
    }
}
