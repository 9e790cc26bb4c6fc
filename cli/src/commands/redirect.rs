//! `redirect`: gives an open shipment another destination; names every item still under way.

use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::records::{Record, Redirect};
use chipledger_schemas::time::Time;

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Gives an open shipment another destination; names every item still under way.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Shipment, MEMBER:REFERENCE.
    #[arg(long)]
    shipment: DocumentId,
    /// New receiver.
    #[arg(long)]
    to: MemberId,
    /// New destination.
    #[arg(long)]
    to_site: SiteId,
    /// New expected arrival.
    #[arg(long, value_name = "TIME")]
    expected_at: Time,
    /// Licence for the new destination.
    #[arg(long)]
    licence: Option<DocumentId>,
    /// Exit clearance for the new destination.
    #[arg(long)]
    clearance: Option<DocumentId>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Redirect(Redirect {
                shipment: self.shipment,
                items,
                to: self.to,
                to_site: self.to_site,
                expected_at: self.expected_at,
                licence: self.licence,
                clearance: self.clearance,
                occurred_at,
            })])
        })
    }
}
