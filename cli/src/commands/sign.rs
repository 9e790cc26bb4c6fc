//! `sign`: signs records without submitting them, or co-signs what another member signed.

use std::path::PathBuf;

use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::GenesisHash;
use chipledger_schemas::records::Kind;
use chipledger_schemas::time::Time;

use super::act::{WhenArgs, write_signed};
use crate::error::Failure;
use crate::input::{self, FileFormat, Reading};
use crate::output::Output;
use crate::signing::{KeyArgs, now};
use crate::submission::{Content, Desk, Timeline};

/// Signs records offline, for later; or, on a file of signed transactions, adds the co-signatures
/// of --cosign.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Records, or signed transactions; - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// File of signed transactions to write; never overwritten.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Ledger that it is for: its genesis hash, as `status` shows it.
    #[arg(long, value_name = "HASH")]
    genesis: GenesisHash,
    /// Format of the file [default: by its name].
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Kind of the records of a CSV.
    #[arg(long, value_parser = input::kind)]
    kind: Option<Kind>,
    /// When it is signed; in a replay, not before the last block [default: now].
    #[arg(long, value_name = "TIME")]
    signed_at: Option<Time>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    keys: KeyArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        // A given time of signing is taken as it is; there is no ledger here to ask for its clock.
        let timeline = Timeline {
            clock: if self.signed_at.is_some() {
                Clock::Replay
            } else {
                Clock::Wall
            },
            last: self.signed_at.unwrap_or_default(),
        };
        let present = self.signed_at.unwrap_or_else(now);
        let reading = Reading {
            format: self.format,
            kind: self.kind,
            occurred_at: self.when.occurred_at.unwrap_or(present),
        };
        let entries = input::read(&self.file, reading)?;
        for entry in &entries {
            if let Content::Signed(signed) = &entry.content
                && signed.body.genesis != self.genesis
            {
                return Err(Failure::usage(
                    format!(
                        "{} of {} is for another ledger",
                        entry.place,
                        self.file.display()
                    ),
                    "Give the genesis hash of the ledger that it was signed for.",
                ));
            }
        }
        let named = self.keys.key.is_some() || self.keys.member.is_some();
        let signer = named.then(|| self.keys.signer(None)).transpose()?;
        let cosigners = self.keys.cosigners()?;
        let mut desk = Desk::new(self.genesis, timeline, signer, cosigners);
        let prepared = desk.prepare(entries, chipledger_schemas::transaction::RECORDS_MAX)?;
        write_signed(out, &self.out, &prepared)
    }
}
