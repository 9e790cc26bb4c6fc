//! `correct`: undoes the latest movement of the items named; --json may put another in its place.

use chipledger_schemas::ids::RecordId;
use chipledger_schemas::records::nested::Nested;
use chipledger_schemas::records::{Correct, Record};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Undoes the latest movement of the items named; --json may put another in its place.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// The movement that was wrong: the latest of every item named.
    #[arg(long, value_name = "RECORD_ID")]
    record: RecordId,
    /// Why.
    #[arg(long)]
    reason: String,
    /// What should have been said: a custody record such as {"install": {...}}.
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        let parse = |json: &String| {
            serde_json::from_str::<Nested>(json).map_err(|error| {
                Failure::usage(
                    format!("--json: {error}"),
                    "Give a custody record such as {\"install\": {...}}.",
                )
            })
        };
        let replacement = self.json.as_ref().map(parse).transpose()?;
        self.write
            .act(out, WhenArgs { occurred_at: None }, |_, source| {
                let carried = source.carried(&items)?;
                Ok(vec![Record::Correct(Correct {
                    items,
                    record: self.record,
                    carried,
                    replacement,
                    reason: self.reason,
                })])
            })
    }
}
