//! `submit`: a file of records, or of signed transactions.

use std::path::PathBuf;

use chipledger_schemas::records::Kind;
use chipledger_schemas::transaction::RECORDS_MAX;

use super::act::{Batch, WhenArgs};
use crate::error::Failure;
use crate::input::{self, FileFormat, Reading};
use crate::output::Output;
use crate::submission::WriteArgs;

/// Submits records, or transactions that are signed already; --check says what would be rejected.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// JSON array, JSON lines, or CSV; - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Format of the file [default: by its name].
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Kind of the records of a CSV, whose header names fields.
    #[arg(long, value_parser = input::kind)]
    kind: Option<Kind>,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// How records become transactions.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct BatchArgs {
    /// Records per transaction; a batch with a rejected record is tried again record by record.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = batch_size)]
    batch: usize,
    /// All records in one transaction: all apply, or none.
    #[arg(long, conflicts_with = "batch")]
    atomic: bool,
}

fn batch_size(text: &str) -> Result<usize, String> {
    let size: usize = text
        .parse()
        .map_err(|_| format!("{text:?} is not a number"))?;
    if (1..=RECORDS_MAX).contains(&size) {
        return Ok(size);
    }
    Err(format!("a transaction has 1 to {RECORDS_MAX} records"))
}

impl BatchArgs {
    pub(super) fn batch(self) -> Batch {
        Batch {
            records: if self.atomic { usize::MAX } else { self.batch },
            divisible: !self.atomic,
        }
    }
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        self.write.deliver(out, self.batch.batch(), |timeline, _| {
            let reading = Reading {
                format: self.format,
                kind: self.kind,
                occurred_at: self.when.occurred_at.unwrap_or_else(|| timeline.present()),
            };
            input::read(&self.file, reading)
        })
    }
}
