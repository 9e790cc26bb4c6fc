//! `set-use`: says who computes on the items: a lease, a cloud tenant.

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::{Record, SetUse};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Says who computes on the items: a lease, a cloud tenant.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// The user; leave it out to end a use.
    #[arg(long)]
    user: Option<MemberId>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::SetUse(SetUse {
                items,
                user: self.user,
                occurred_at,
            })])
        })
    }
}
