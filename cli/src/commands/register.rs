//! `register`: brings chips into the ledger.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::ids::{Issuer, Reference, SiteId};
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Record, Register};

use super::act::{Batch, WhenArgs};
use crate::error::Failure;
use crate::input::items;
use crate::output::Output;
use crate::submission::{Content, Entry, WriteArgs};

/// Brings chips into the ledger: by their fab, or with --unverified as opening stock of their
/// holder.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Serials: ids and ranges such as NVIDIA:0001..0100, or a CSV or text file of them.
    #[arg(long, required = true, num_args = 1.., value_name = "ITEMS|FILE")]
    serials: Vec<String>,
    /// Issuer prefix of serials that are written without one.
    #[arg(long)]
    issuer: Option<Issuer>,
    /// What they are: a model of the catalogue, such as NVIDIA/H100-SXM5-80GB.
    #[arg(long)]
    model: ModelId,
    /// Where they are.
    #[arg(long)]
    site: SiteId,
    /// Fab lot.
    #[arg(long)]
    lot: Option<Reference>,
    /// They were there before the ledger began: their origin is not verified.
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let serials = items::set(&self.serials, self.issuer.as_ref())?;
        // More than a record may name become several records, one per transaction.
        let batch = Batch {
            records: 1,
            divisible: false,
        };
        self.write.deliver(out, batch, |timeline, source| {
            let occurred_at = self.when.occurred_at.unwrap_or_else(|| timeline.present());
            let max = source.genesis().bounds.record_item_events_max;
            let entry = |items| Entry {
                place: format!("{items}"),
                content: Content::Record(Box::new(Record::Register(Register {
                    items,
                    model: self.model.clone(),
                    site: self.site.clone(),
                    origin: if self.unverified {
                        Origin::Unverified
                    } else {
                        Origin::Made
                    },
                    lot: self.lot.clone(),
                    device_keys: Vec::new(),
                    occurred_at,
                }))),
            };
            Ok(items::parts(&serials, max).into_iter().map(entry).collect())
        })
    }
}
