//! `pack`: puts items into units, the same number into each, in order; a unit that is new is
//! created.

use chipledger_schemas::records::{Pack, Record};
use chipledger_schemas::words::UnitKind;

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::{self, ItemArgs};
use crate::output::Output;
use crate::submission::WriteArgs;

/// Puts items into units, the same number into each, in order; a unit that is new is created.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Units, as many as divide the items evenly.
    #[arg(long, value_name = "UNITS")]
    into: String,
    /// What the units are: module, board, server, rack, case or pallet.
    #[arg(long)]
    kind: UnitKind,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        let units = items::set(std::slice::from_ref(&self.into), None)?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Pack(Pack {
                units,
                unit_kind: self.kind,
                items,
                occurred_at,
            })])
        })
    }
}
