//! `seal`: puts a numbered seal on units.

use chipledger_schemas::ids::Reference;
use chipledger_schemas::records::{Record, Seal};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Puts a numbered seal on units.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Number on the seal.
    #[arg(long, value_name = "NUMBER")]
    seal: Reference,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Seal(Seal {
                items,
                seal: self.seal,
                occurred_at,
            })])
        })
    }
}
