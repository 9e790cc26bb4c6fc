//! `export`: everything of one sort, for other programs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use chipledger_ledger::answers::{Export, Row};
use chipledger_schemas::ids::Height;
use clap::ValueEnum;
use serde_json::Value;

use crate::error::{Class, Failure};
use crate::output::Output;
use crate::session::LedgerArgs;

/// What to do where blocks are not held.
const HELD: &str = "Export what is held with --from-height, or ask a node that holds all of history.";

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum To {
    /// Rows with a header.
    Csv,
    /// One object per line.
    Json,
}

/// What is exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// Every record, in the order decided.
    Records,
    /// Every item with its whereabouts now.
    Items,
    /// Every posting of the double entry.
    Postings,
    /// Chips per account and model, now.
    Compute,
}

/// Exports records, items, postings or balances.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Format.
    #[arg(value_enum)]
    to: To,
    /// What.
    #[arg(long, value_enum, default_value = "items")]
    what: What,
    /// Records from this height on [default: the first; refused where older blocks were pruned].
    #[arg(long, value_name = "HEIGHT")]
    from_height: Option<u64>,
    /// File to write; never overwritten [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let what: Export = self.what.into();
        if self.from_height.is_some() && what != Export::Records {
            return Err(Failure::usage(
                "only records are exported from a height on",
                "Leave --from-height out, or export with --what records.",
            ));
        }
        let source = self.ledger.read()?;
        let writer: Box<dyn Write> = match &self.out {
            Some(path) => {
                let file = File::create_new(path).map_err(|error| Failure::file(path, &error))?;
                Box::new(BufWriter::new(file))
            }
            None => Box::new(BufWriter::new(std::io::stdout().lock())),
        };
        let mut sink = Sink {
            to: self.to,
            writer,
            header_written: false,
            path: self.out.clone(),
        };
        let bar = out.progress("rows", None);
        let done = source.export(what, self.from_height.map(Height), |row| {
            bar.inc(1);
            sink.put(what.columns(), row)
        });
        bar.finish_and_clear();
        let done = done.and_then(|()| sink.finish());
        done.map_err(|failure| {
            // Half an export would be in the way of the next one.
            let _ = self.out.as_ref().map(std::fs::remove_file);
            match what {
                Export::Records if failure.class() == Class::NotFound => failure.with_hint(HELD),
                _ => failure,
            }
        })
    }
}

/// Where rows go.
struct Sink {
    to: To,
    writer: Box<dyn Write>,
    header_written: bool,
    path: Option<PathBuf>,
}

impl From<What> for Export {
    fn from(what: What) -> Self {
        match what {
            What::Records => Self::Records,
            What::Items => Self::Items,
            What::Postings => Self::Postings,
            What::Compute => Self::Compute,
        }
    }
}

impl Sink {
    fn put(&mut self, columns: &[&str], row: Row) -> Result<(), Failure> {
        let bytes = match self.to {
            To::Json => {
                let names = columns.iter().map(|name| (*name).to_owned());
                let object: serde_json::Map<_, _> = names.zip(row).collect();
                format!("{}\n", Value::Object(object)).into_bytes()
            }
            To::Csv => self.csv(columns, &row),
        };
        let written = self.writer.write_all(&bytes);
        written.map_err(|error| self.failed(&error))
    }

    fn csv(&mut self, columns: &[&str], row: &Row) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory does not fail.
        if !self.header_written {
            self.header_written = true;
            let _ = writer.write_record(columns);
        }
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = writer.write_record(row.iter().map(text));
        writer.into_inner().unwrap_or_default()
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        match &self.path {
            Some(path) => Failure::file(path, error),
            None => Failure::output(error),
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| self.failed(&error))
    }
}
