//! `transfer-title`: passes ownership; the new owner co-signs with --cosign.

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::{Record, TransferTitle};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Passes ownership; the new owner co-signs with --cosign.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// The new owner.
    #[arg(long)]
    to: MemberId,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at| {
            Ok(vec![Record::TransferTitle(TransferTitle { items, to: self.to, price: None, occurred_at })])
        })
    }
}
