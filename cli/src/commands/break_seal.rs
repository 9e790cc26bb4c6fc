//! `break-seal`: records that a seal was broken.

use chipledger_schemas::ids::Reference;
use chipledger_schemas::records::{BreakSeal, Record};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Records that a seal was broken.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Number on the seal.
    #[arg(long, value_name = "NUMBER")]
    seal: Reference,
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
            Ok(vec![Record::BreakSeal(BreakSeal {
                items,
                seal: self.seal,
                reason: self.reason,
                occurred_at,
            })])
        })
    }
}
