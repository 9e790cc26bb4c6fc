//! How answers are shown: a table for people, JSON or CSV for programs.
//!
//! Programs get exact integers whose unit stands in the name (`tpp_milli`); people get the same
//! figures in readable units, with the unit in the header.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::Failure;

mod render;
mod value;

pub use value::Value;

/// How answers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// Rows with a header.
    Csv,
}

/// Where answers go.
#[derive(Clone, Debug)]
pub struct Output {
    format: Format,
}

/// An answer: facts about all of it, and rows if it has any.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Answer {
    /// Facts, in order.
    pub facts: Vec<Fact>,
    /// Rows.
    pub table: Option<Table>,
}

/// One fact.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    /// Its name for programs, unit last.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is.
    pub value: Value,
}

/// Rows under a header.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// Name for programs and name for people of each column.
    pub columns: Vec<(&'static str, &'static str)>,
    /// Rows: one value per column.
    pub rows: Vec<Vec<Value>>,
    /// A last row that sums the others.
    pub total: Option<Vec<Value>>,
}

impl Answer {
    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, key: &'static str, title: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push(Fact {
            key,
            title,
            value: value.into(),
        });
        self
    }

    /// Adds the rows.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.table = Some(table);
        self
    }
}

impl Output {
    /// Output in a format.
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// The format asked for.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes an answer to standard output.
    ///
    /// # Errors
    /// When it cannot be written; a reader that went away is no failure to the person.
    pub fn print(&self, answer: &Answer) -> Result<(), Failure> {
        let terminal = std::io::stdout().is_terminal();
        let text = match self.format {
            Format::Table => render::table(answer, terminal),
            Format::Json => render::json(answer),
            Format::Csv => render::csv(answer)?,
        };
        write_all(&text)
    }

    /// Writes text as it is to standard output.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn raw(&self, text: &str) -> Result<(), Failure> {
        write_all(text)
    }

    /// A progress bar on the error stream; none unless that is a terminal.
    pub fn progress(&self, what: &'static str, length: Option<u64>) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        let template = match length {
            Some(_) => "{msg} [{bar:30}] {human_pos}/{human_len} {per_sec} ETA {eta}",
            None => "{msg} {spinner} {human_pos} {per_sec} {elapsed}",
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        bar
    }
}

fn write_all(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))
}
