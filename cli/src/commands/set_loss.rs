//! `set-loss`: reports items lost or stolen, or recovered.

use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::records::{Record, SetLoss};
use clap::ValueEnum;

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Reports items lost or stolen, or recovered.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// What happened.
    #[arg(long, value_enum)]
    loss: LossName,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::SetLoss(SetLoss {
                items,
                loss: self.loss.into(),
                occurred_at,
            })])
        })
    }
}

/// A loss or its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LossName {
    /// Cannot be found.
    Lost,
    /// Was taken.
    Stolen,
    /// Is back where the book last had it.
    Recovered,
}

impl From<LossName> for Loss {
    fn from(name: LossName) -> Self {
        match name {
            LossName::Lost => Self::Lost,
            LossName::Stolen => Self::Stolen,
            LossName::Recovered => Self::Recovered,
        }
    }
}
