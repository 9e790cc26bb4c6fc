//! `prove`: writes a proof that anyone can check without this ledger.

use std::io::Write;
use std::path::PathBuf;

use chipledger_ledger::prove::{Question, Since, dimension};
use chipledger_schemas::ids::Height;
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Answer, Output};
use crate::session::{self, LedgerArgs};

/// What to prove.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// Where an item is and what holds of it, with its containers: ID.
    Item,
    /// That no item has an id: ID.
    Absent,
    /// All compute of US, world, site=S, owner=M or parent=M.
    Totals,
    /// Every record that named an item, or what contained it: ID.
    Journey,
    /// Every account: from them any table can be computed.
    Book,
    /// Evidence that a validator's key signed two different things at one step: the id that
    /// `report_equivocation` was entered under.
    Equivocation,
}

/// Writes a proof, as of the last height, that `check` verifies with no ledger and no network.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to prove.
    #[arg(value_enum)]
    what: What,
    /// Of what: an item id, an equivocation's id, or for totals a jurisdiction, `world`, site=S,
    /// owner=M or parent=M.
    of: Option<String>,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Begin at this height, whose block hash the checker has pinned, instead of at genesis.
    #[arg(long, value_name = "HEIGHT")]
    checkpoint: Option<u64>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let question = question(self.what, self.of.as_deref())?;
        let since = self
            .checkpoint
            .map_or(Since::Genesis, |height| Since::Checkpoint(Height(height)));
        let file = self.ledger.read()?.prove(&question, since)?;
        let bytes = file.bytes();
        let failed = |error: std::io::Error| Failure::file(&self.out, &error);
        let mut written = std::fs::File::create_new(&self.out).map_err(failed)?;
        written
            .write_all(&bytes)
            .and_then(|()| written.sync_all())
            .map_err(failed)?;
        let header = &file.trust.header;
        let answer = Answer::default()
            .fact("file", "file", self.out.display().to_string())
            .fact("height", "height", header.height.0)
            .fact("block_time", "block time", header.time)
            .fact("bytes", "bytes", bytes.len())
            .fact(
                "content_bytes",
                "bytes without certificates",
                file.content_bytes(),
            )
            .fact("genesis", "genesis to pin", header.genesis.to_string());
        out.print(&answer)
    }
}

fn question(what: What, of: Option<&str>) -> Result<Question, Failure> {
    let of = match (what, of) {
        (What::Book, None) => return Ok(Question::Book),
        (What::Book, Some(_)) => {
            return Err(Failure::usage(
                "a book is of the whole ledger",
                "Write `prove book --out FILE`.",
            ));
        }
        (_, Some(of)) => of,
        (_, None) => {
            let hint = "Write `prove item ID`, `absent ID`, `totals US`, `journey ID` or `equivocation ID`, each \
                        with --out FILE.";
            return Err(Failure::usage("it is not said of what", hint));
        }
    };
    if what == What::Totals {
        return dimension(of).map(Question::Totals).map_err(|error| {
            Failure::usage(error.to_string(), "Write US, world, site=S, owner=M or parent=M.")
        });
    }
    if what == What::Equivocation {
        return of.parse().map(Question::Equivocation).map_err(
            |error: chipledger_schemas::hash::NotAHash| {
                Failure::usage(
                    error.to_string(),
                    "Copy the id of the equivocation whole.",
                )
            },
        );
    }
    let id = session::item_id(of)
        .map_err(|error| Failure::usage(error, "Write an id such as NVIDIA:1654322001234."))?;
    Ok(match what {
        What::Item => Question::Item(id),
        What::Absent => Question::Absent(id),
        _ => Question::Journey(id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_of_what_unless_it_is_the_book() {
        assert_eq!(question(What::Book, None), Ok(Question::Book));
        assert!(question(What::Book, Some("US")).is_err());
        assert!(question(What::Item, None).is_err());
        assert!(question(What::Item, Some("no id")).is_err());
        assert!(question(What::Equivocation, Some("FAB:1")).is_err());
        assert!(question(What::Equivocation, Some(&"0a".repeat(32))).is_ok());
    }
}
