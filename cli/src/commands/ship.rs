//! `ship`: sends roots from the site where they are to a named receiver; opens a shipment.

use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::records::{Record, Ship};
use chipledger_schemas::time::Time;

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::signing::SealArgs;
use crate::submission::WriteArgs;

/// Sends roots from the site where they are to a named receiver; opens a shipment.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// The shipment, MEMBER:REFERENCE; its member is the shipper.
    #[arg(long)]
    shipment: DocumentId,
    /// Who shall receive.
    #[arg(long)]
    to: MemberId,
    /// Where.
    #[arg(long)]
    to_site: SiteId,
    /// Who carries, if a member.
    #[arg(long)]
    carrier: Option<MemberId>,
    /// Expected arrival.
    #[arg(long, value_name = "TIME")]
    expected_at: Time,
    /// Order that it answers.
    #[arg(long)]
    order: Option<DocumentId>,
    /// Licence that it uses.
    #[arg(long)]
    licence: Option<DocumentId>,
    /// Exit clearance.
    #[arg(long)]
    clearance: Option<DocumentId>,
    /// Value and terms, sealed to --seal-to.
    #[arg(long, requires = "seal_to", value_name = "TEXT")]
    declared: Option<String>,
    #[command(flatten)]
    seal: SealArgs,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, source| {
            let declared = self.seal.seal(source, self.declared.as_deref())?;
            Ok(vec![Record::Ship(Ship {
                shipment: self.shipment,
                items,
                to: self.to,
                to_site: self.to_site,
                carrier: self.carrier,
                expected_at: self.expected_at,
                order: self.order,
                licence: self.licence,
                clearance: self.clearance,
                declared,
                occurred_at,
            })])
        })
    }
}
