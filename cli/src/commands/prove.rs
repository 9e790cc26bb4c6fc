//! `prove`: writes a proof that anyone can check without this ledger.

use std::io::Write;
use std::path::PathBuf;

use chipledger_ledger::prove::{Question, Since, prove};
use chipledger_proof::state::Dimension;
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
        let store = self.ledger.read()?;
        let file = prove(&store, &question, since)?;
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
            Failure::usage(error, "Write US, world, site=S, owner=M or parent=M.")
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

fn dimension(text: &str) -> Result<Dimension, String> {
    let (name, value) = text.split_once('=').unwrap_or(("jurisdiction", text));
    match name {
        _ if text.eq_ignore_ascii_case("world") => Ok(Dimension::World),
        "jurisdiction" => value
            .to_ascii_uppercase()
            .parse()
            .map(Dimension::Jurisdiction)
            .map_err(|e| format!("{e}")),
        "site" => value
            .parse()
            .map(Dimension::Site)
            .map_err(|e| format!("{e}")),
        "owner" => value
            .parse()
            .map(Dimension::Owner)
            .map_err(|e| format!("{e}")),
        "parent" => value
            .parse()
            .map(Dimension::Parent)
            .map_err(|e| format!("{e}")),
        _ => Err(format!("{name:?} is nothing that totals are taken over")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_named_by_a_jurisdiction_or_a_dimension_with_its_value() {
        assert_eq!(
            dimension("us"),
            Ok(Dimension::Jurisdiction("US".parse().unwrap()))
        );
        assert_eq!(dimension("World"), Ok(Dimension::World));
        assert_eq!(
            dimension("site=US-DC"),
            Ok(Dimension::Site("US-DC".parse().unwrap()))
        );
        assert!(dimension("model=H100").is_err());
        assert!(dimension("United States").is_err());
    }

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
