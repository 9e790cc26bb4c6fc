//! `transfer-title`: passes ownership; the new owner co-signs with --cosign.

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::{Record, TransferTitle};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::signing::SealArgs;
use crate::submission::WriteArgs;

/// Passes ownership; the new owner co-signs with --cosign.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// The new owner.
    #[arg(long)]
    to: MemberId,
    /// Price, sealed to --seal-to.
    #[arg(long, requires = "seal_to", value_name = "TEXT")]
    price: Option<String>,
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
            let price = self.seal.seal(source, self.price.as_deref())?;
            Ok(vec![Record::TransferTitle(TransferTitle {
                items,
                to: self.to,
                price,
                occurred_at,
            })])
        })
    }
}
