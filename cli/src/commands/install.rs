//! `install`: puts items into operation where they are.

use chipledger_schemas::ids::Reference;
use chipledger_schemas::records::{Install, Record};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Puts items into operation where they are.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Hall, row, rack.
    #[arg(long)]
    position: Option<Reference>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Install(Install {
                items,
                position: self.position,
                occurred_at,
            })])
        })
    }
}
