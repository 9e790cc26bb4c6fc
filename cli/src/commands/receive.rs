//! `receive`: says what of a shipment arrived, item by item; without --shipment, an arrival that
//! nobody announced.

use chipledger_schemas::ids::{DocumentId, SiteId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::{Receive, Record};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Says what of a shipment arrived, item by item; without --shipment, an arrival that nobody
/// announced.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shipment, MEMBER:REFERENCE.
    #[arg(long)]
    shipment: Option<DocumentId>,
    /// Where.
    #[arg(long)]
    site: SiteId,
    /// Arrived as shipped.
    #[arg(value_name = "ITEMS|FILE")]
    found: Vec<String>,
    /// Shipped and not there, inside units too.
    #[arg(long, value_name = "ITEMS|FILE")]
    missing: Vec<String>,
    /// There and not shipped.
    #[arg(long, value_name = "ITEMS|FILE")]
    extra: Vec<String>,
    /// Arrived and sent back.
    #[arg(long, value_name = "ITEMS|FILE")]
    refused: Vec<String>,
    /// Entry clearance.
    #[arg(long)]
    clearance: Option<DocumentId>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let set = |words: &[String]| -> Result<ItemSet, Failure> { items::set(words, None) };
        let (found, missing) = (set(&self.found)?, set(&self.missing)?);
        let (extra, refused) = (set(&self.extra)?, set(&self.refused)?);
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Receive(Receive {
                shipment: self.shipment,
                site: self.site,
                found,
                missing,
                extra,
                refused,
                clearance: self.clearance,
                occurred_at,
            })])
        })
    }
}
