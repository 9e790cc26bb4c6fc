//! `replace`: a repair swap: the new chip takes the old one's place, the old one becomes a root.

use chipledger_schemas::ids::{ItemId, Reference};
use chipledger_schemas::records::{Record, Replace};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::output::Output;
use crate::session;
use crate::submission::WriteArgs;

/// A repair swap: the new chip takes the old one's place, the old one becomes a root.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Comes out.
    #[arg(long, value_parser = session::item_id)]
    old: ItemId,
    /// Goes in: a root of the same model held at the same site.
    #[arg(long, value_parser = session::item_id)]
    new: ItemId,
    /// The repair case.
    #[arg(long)]
    rma: Option<Reference>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Replace(Replace {
                old: self.old,
                new: self.new,
                rma: self.rma,
                occurred_at,
            })])
        })
    }
}
