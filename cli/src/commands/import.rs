//! `import`: records of one kind from a spreadsheet.

use std::path::PathBuf;

use chipledger_schemas::records::Kind;
use clap::ValueEnum;

use super::act::WhenArgs;
use super::submit::BatchArgs;
use crate::error::Failure;
use crate::input::{self, FileFormat, Reading};
use crate::output::Output;
use crate::submission::WriteArgs;

/// What can be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum From {
    /// Rows with a header of field names.
    Csv,
}

/// Imports a CSV whose rows are records of one kind; --check says what would be rejected, row by
/// row.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Format of the file.
    #[arg(value_enum)]
    from: From,
    /// The file; - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Kind of the records, such as register.
    #[arg(long, value_parser = input::kind)]
    kind: Kind,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let From::Csv = self.from;
        self.write.deliver(out, self.batch.batch(), |timeline, _| {
            let reading = Reading {
                format: Some(FileFormat::Csv),
                kind: Some(self.kind),
                occurred_at: self.when.occurred_at.unwrap_or_else(|| timeline.present()),
            };
            input::read(&self.file, reading)
        })
    }
}
