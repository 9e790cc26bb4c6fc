//! What people hand in: records and signed transactions in JSON, JSON lines or CSV, and lists of
//! items.

use std::io::{IsTerminal, Read};
use std::path::Path;

use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;
use clap::ValueEnum;
use serde_json::Value;

use crate::error::Failure;
use crate::submission::{Content, Entry};

pub mod fields;
pub mod items;
mod rows;

pub(crate) use rows::record;

/// How a file of records is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum FileFormat {
    /// A JSON array of records or signed transactions, or one of them.
    Json,
    /// One record or signed transaction per line.
    Jsonl,
    /// One record per row; the header names fields.
    Csv,
}

/// What a file is taken for.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Its format; by its name, if absent.
    pub format: Option<FileFormat>,
    /// Kind of the records of a CSV.
    pub kind: Option<Kind>,
    /// Event time of rows that have no `occurred_at` of their own.
    pub occurred_at: Time,
}

/// Reads a file; `-` is standard input.
///
/// # Errors
/// When it is missing, or names the line and the column that cannot be read.
pub fn read(path: &Path, reading: Reading) -> Result<Vec<Entry>, Failure> {
    let text = text(path)?;
    let name = if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let extension = path.extension().and_then(|extension| extension.to_str());
    let by_name = match extension {
        Some("csv") => FileFormat::Csv,
        Some("jsonl" | "ndjson") => FileFormat::Jsonl,
        _ => FileFormat::Json,
    };
    let source = Source {
        name: &name,
        text: &text,
    };
    match reading.format.unwrap_or(by_name) {
        FileFormat::Csv => {
            let kind = reading.kind.ok_or_else(|| {
                Failure::usage(
                    format!("{name}: a CSV does not say which kind of record its rows are"),
                    "Name the kind with --kind, such as --kind register.",
                )
            })?;
            rows::read(source, kind, reading.occurred_at)
        }
        FileFormat::Jsonl => json_lines(source),
        FileFormat::Json => json(source),
    }
}

/// Text with the name that messages call it by.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    /// What is wrong, where.
    fn wrong(&self, place: &str, what: &str) -> Failure {
        Failure::usage(
            format!("{} {place}: {what}", self.name),
            "Correct it and run it again; nothing was submitted.",
        )
    }
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub fn text(path: &Path) -> Result<String, Failure> {
    if path.as_os_str() != "-" {
        return std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error));
    }
    let mut text = String::new();
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage(
            "standard input is a terminal",
            "Pipe records in, or name a file.",
        ));
    }
    stdin
        .read_to_string(&mut text)
        .map_err(|error| Failure::file(Path::new("standard input"), &error))?;
    Ok(text)
}

fn json(source: Source<'_>) -> Result<Vec<Entry>, Failure> {
    // Several values one after the other are JSON lines under another name.
    let mut values = serde_json::Deserializer::from_str(source.text).into_iter::<Value>();
    let first = values.next();
    let many = values.next().is_some();
    match first {
        _ if many => json_lines(source),
        Some(Ok(Value::Array(values))) => {
            let entries = (1_usize..).zip(values);
            entries
                .map(|(number, value)| entry(source, format!("record {number}"), value))
                .collect()
        }
        Some(Ok(value)) => Ok(vec![entry(source, "record 1".to_owned(), value)?]),
        Some(Err(error)) => {
            let place = format!("line {} column {}", error.line(), error.column());
            Err(source.wrong(&place, &format!("is not JSON: {error}")))
        }
        None => Err(source.wrong("is empty", "no record in it")),
    }
}

fn json_lines(source: Source<'_>) -> Result<Vec<Entry>, Failure> {
    let lines = (1_usize..).zip(source.text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let place = format!("line {number}");
            let value = serde_json::from_str(line).map_err(|error| {
                source.wrong(
                    &format!("{place} column {}", error.column()),
                    &format!("is not JSON: {error}"),
                )
            })?;
            entry(source, place, value)
        })
        .collect()
}

fn entry(source: Source<'_>, place: String, value: Value) -> Result<Entry, Failure> {
    let wrong = |error: serde_json::Error| source.wrong(&place, &error.to_string());
    let content = if value.get("body").is_some() {
        let signed: Transaction = serde_json::from_value(value).map_err(wrong)?;
        Content::Signed(Box::new(signed))
    } else {
        let record: Record = serde_json::from_value(value).map_err(wrong)?;
        record
            .check()
            .map_err(|error| source.wrong(&place, &error.to_string()))?;
        Content::Record(Box::new(record))
    };
    Ok(Entry { place, content })
}

/// Reads the name of a kind.
///
/// # Errors
/// With the names that come close.
pub fn kind(name: &str) -> Result<Kind, String> {
    let wanted = name.trim().replace('-', "_");
    let found = Kind::ALL.iter().copied().find(|kind| kind.name() == wanted);
    found.ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!(
            "{name:?} is no kind of record; kinds are {}",
            names.join(", ")
        )
    })
}
