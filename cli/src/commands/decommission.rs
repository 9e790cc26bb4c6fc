//! `decommission`: ends the working life of items that stay where they are.

use chipledger_schemas::records::{Decommission, Record};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Ends the working life of items that stay where they are.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
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
            Ok(vec![Record::Decommission(Decommission {
                items,
                reason: self.reason,
                occurred_at,
            })])
        })
    }
}
