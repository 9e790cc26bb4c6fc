//! `sample-draw`: which chips an inspector looks at, drawn so that anyone can draw them again.

use std::path::{Path, PathBuf};

use chipledger_analysis::plan::Secret;
use chipledger_analysis::sample::{self, Pick, Sample};
use chipledger_ledger::answers;
use chipledger_schemas::api::Basis;
use chipledger_schemas::ids::TransactionId;

use super::sample::facts;
use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs};

/// Draws the sample of a plan from the hash of the block after it and the plan's secret.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The transaction that `sample-plan` printed.
    #[arg(value_name = "TRANSACTION")]
    plan: TransactionId,
    /// File that `sample-plan` wrote the secret to.
    #[arg(long, value_name = "FILE", required_unless_present = "revealed")]
    secret: Option<PathBuf>,
    /// The secret itself, once the inspector has told it: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = digits, conflicts_with = "secret")]
    revealed: Option<[u8; 32]>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

fn digits(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| "a secret is 64 hexadecimal digits".to_owned())?;
    Ok(bytes)
}

fn read_secret(path: &Path) -> Result<[u8; 32], Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    digits(&text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::usage(message, "Name the file that `sample-plan` wrote.")
    })
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let secret = match (&self.secret, self.revealed) {
            (_, Some(secret)) => secret,
            (Some(path), None) => read_secret(path)?,
            (None, None) => [0; 32],
        };
        let secret = Secret(secret);
        let store = self.ledger.read_directory()?;
        let view = store.view();
        let sample = sample::draw(&view, &self.plan, &secret)?;
        let moment = chipledger_analysis::journeys::at_height(&view, sample.notice.height)
            .map_err(Failure::from)?;
        let told = answers::answer(&store, moment, Basis::Derived, sample);
        let again = format!(
            "chipledger sample-draw --ledger DIR {} --revealed {}",
            self.plan,
            hex::encode(secret.0)
        );
        let head = head(session::answer(&told), &told.answer).fact("again", "draw again", again);
        out.print(&head.table(table(&told.answer)))
    }
}

fn head(head: Answer, sample: &Sample) -> Answer {
    let head = head
        .fact("plan", "plan", sample.reference.to_string())
        .fact("inspector", "inspector", sample.inspector.to_string());
    facts(head, &sample.design)
        .fact("block", "block that seeds it", sample.block.to_string())
        .fact("seed", "seed", sample.seed.to_string())
}

fn table(sample: &Sample) -> Table {
    let row = |pick: &Pick| {
        let containers: Vec<_> = pick.containers.iter().map(ToString::to_string).collect();
        vec![
            pick.id.to_string().into(),
            pick.model.as_str().into(),
            Value::of(pick.position.as_ref()),
            containers.into(),
            pick.holder.to_string().into(),
            pick.owner.to_string().into(),
            pick.status.to_string().into(),
            Value::yes(pick.disputed),
            Value::of(pick.since.as_ref()),
        ]
    };
    Table {
        columns: vec![
            ("id", "chip"),
            ("model", "model"),
            ("position", "position"),
            ("containers", "in"),
            ("holder", "holder"),
            ("owner", "owner"),
            ("status", "status"),
            ("disputed", "disputed"),
            ("since", "booked elsewhere since"),
        ],
        rows: sample.picks.iter().map(row).collect(),
        total: None,
    }
}
