//! `check`: verifies a proof with no ledger and no network, and says what it proves.

use std::path::PathBuf;

use chipledger_proof::check::{Statement, Verdict};
use chipledger_proof::file::ProofFile;
use chipledger_proof::trust::Pin;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::{BlockHash, GenesisHash};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, SECOND_MS};

use crate::error::{Class, Failure};
use crate::output::{Answer, Output, Value};
use crate::signing;

mod statement;

/// Checks a proof: signatures of the quorum, every path, and what follows from them.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The proof.
    file: PathBuf,
    /// The ledger that you mean; without it, compare the one shown with the one that you know.
    #[arg(long, value_name = "HASH", conflicts_with = "checkpoint")]
    genesis: Option<GenesisHash>,
    /// Hash of a block of the ledger that you trust.
    #[arg(long, value_name = "HASH")]
    checkpoint: Option<BlockHash>,
    /// Refuse a proof whose block is older than this: 90s, 15m, 36h or 30d.
    #[arg(long, value_name = "D", value_parser = span_ms)]
    not_older_than: Option<u64>,
    /// Write the whole file as JSON instead of what it proves, once it is checked.
    #[arg(long)]
    show: bool,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let bytes = std::fs::read(&self.file).map_err(|error| Failure::file(&self.file, &error))?;
        let pin = match (self.genesis, self.checkpoint) {
            (Some(genesis), _) => Pin::Genesis(genesis),
            (_, Some(block)) => Pin::Checkpoint(block),
            _ => Pin::Nothing,
        };
        let file = ProofFile::from_bytes(&bytes).map_err(|error| unproven(&error))?;
        let verdict = file.check(&pin).map_err(|error| unproven(&error))?;
        let now = signing::now();
        let age_ms = verdict.age_ms(now);
        if self.not_older_than.is_some_and(|most| age_ms > most) {
            let message = format!(
                "the proof holds, but its block is of {}, {} days ago",
                verdict.time,
                age_ms / DAY_MS
            );
            return Err(Failure::new(
                Class::Unproven,
                message,
                "Ask for a newer proof.",
            ));
        }
        if self.show {
            let text = serde_json::to_string_pretty(&file);
            let text = text
                .map_err(|error| Failure::new(Class::Internal, error.to_string(), "Report it."))?;
            return out.raw(&format!("{text}\n"));
        }
        out.print(&statement::tell(head(&verdict, age_ms), &verdict.statement))
    }
}

/// The facts of every verdict.
fn head(verdict: &Verdict, age_ms: u64) -> Answer {
    let trusted = &verdict.trusted;
    let pinned = if trusted.pinned {
        "yes"
    } else {
        "no: compare the genesis hash with the one that you know"
    };
    let clock = trusted.clock.map(|clock| match clock {
        Clock::Wall => "wall",
        Clock::Replay => "replay",
    });
    Answer::default()
        .fact("proven", "proven", kind(&verdict.statement))
        .fact("ledger", "ledger", Value::of(trusted.name.as_ref()))
        .fact("genesis", "genesis", trusted.genesis.to_string())
        .fact("pinned", "pinned", pinned)
        .fact("height", "height", verdict.height.0)
        .fact("block", "block", verdict.block.to_string())
        .fact("block_time", "block time", verdict.time)
        .fact(
            "age_ms",
            "age, hours",
            Value::Span {
                ms: age_ms,
                unit_ms: HOUR_MS,
            },
        )
        .fact("clock", "clock", Value::of(clock))
        .fact(
            "signers",
            "validators that signed",
            format!("{} of {}", trusted.signers, trusted.seats),
        )
}

fn kind(statement: &Statement) -> &'static str {
    match statement {
        Statement::Item(_) => "an item",
        Statement::Absent { .. } => "an absence",
        Statement::Totals(_) => "complete totals",
        Statement::Journey(_) => "a complete journey",
        Statement::Book(_) => "the complete book",
        Statement::Equivocation(_) => "an equivocation",
    }
}

fn unproven(error: &dyn std::error::Error) -> Failure {
    let hint = "Do not use the file; ask for a new one, from another peer if it happens again.";
    Failure::new(Class::Unproven, format!("not proven: {error}"), hint)
}

/// Milliseconds of `90s`, `15m`, `36h` or `30d`.
fn span_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no span of time; write 90s, 15m, 36h or 30d");
    let unit_ms = match text.bytes().last() {
        Some(b's') => SECOND_MS,
        Some(b'm') => 60 * SECOND_MS,
        Some(b'h') => HOUR_MS,
        Some(b'd') => DAY_MS,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(unit_ms).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_a_unit() {
        assert_eq!(span_ms("90s"), Ok(90_000));
        assert_eq!(span_ms("36h"), Ok(36 * HOUR_MS));
        assert_eq!(span_ms("30d"), Ok(30 * DAY_MS));
        for wrong in ["", "30", "d", "-1d", "1.5h", "99999999999999999999d", "ü"] {
            assert!(span_ms(wrong).is_err(), "{wrong}");
        }
    }
}
