//! `set-seizure`: seizes items where they are, under way too, or releases them; signed by customs.

use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::records::set_seizure::SeizureAction;
use chipledger_schemas::records::{Record, SetSeizure};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::signing::SealArgs;
use crate::submission::WriteArgs;

/// Seizes items where they are, under way too, or releases them; signed by customs.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Site where they are kept: takes custody.
    #[arg(long, value_name = "SITE", required_unless_present = "release_to")]
    seize_to: Option<SiteId>,
    /// Member that takes them: ends the seizure.
    #[arg(long, value_name = "MEMBER", conflicts_with = "seize_to")]
    release_to: Option<MemberId>,
    /// The case file, sealed to --seal-to.
    #[arg(long, requires = "seal_to", value_name = "TEXT")]
    case: Option<String>,
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
        let action = match (self.seize_to, self.release_to) {
            (Some(site), _) => SeizureAction::Seize { site },
            (None, Some(to)) => SeizureAction::Release { to },
            // clap asks for one of them.
            (None, None) => {
                return Err(Failure::usage(
                    "neither a seizure nor a release",
                    "Give --seize-to or --release-to.",
                ));
            }
        };
        self.write.act(out, self.when, |occurred_at, source| {
            let case = self.seal.seal(source, self.case.as_deref())?;
            Ok(vec![Record::SetSeizure(SetSeizure {
                items,
                action,
                case,
                occurred_at,
            })])
        })
    }
}
