//! An answer as text in each format.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, TableStyle};

use super::{Answer, Table, Value};
use crate::error::{Class, Failure};

pub(super) fn table(answer: &Answer, terminal: bool) -> String {
    let mut text = String::new();
    let width = answer
        .facts
        .iter()
        .map(|fact| fact.title.chars().count())
        .max()
        .unwrap_or(0);
    for fact in &answer.facts {
        let (title, value) = (fact.title, fact.value.show());
        // Writing to a string does not fail.
        let _ = writeln!(text, "{title:<width$}  {value}");
    }
    let Some(table) = &answer.table else {
        return text;
    };
    if !text.is_empty() {
        text.push('\n');
    }
    if table.rows.is_empty() {
        text.push_str("(no rows)\n");
        return text;
    }
    text.push_str(&drawn(table, terminal));
    text.push('\n');
    text
}

fn drawn(table: &Table, terminal: bool) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    // Piped text keeps one line per row: programs and `grep` read it.
    drawn.set_content_arrangement(if terminal {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    });
    let numeric = |column: usize| {
        let values = || table.rows.iter().filter_map(|row| row.get(column));
        values().any(Value::is_number)
    };
    let alignment = |column| {
        if numeric(column) {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        }
    };
    let cell = |(column, text): (usize, String)| Cell::new(text).set_alignment(alignment(column));
    let titles = table.columns.iter().map(|(_, title)| (*title).to_owned());
    drawn.set_header(titles.enumerate().map(cell));
    for row in table.rows.iter().chain(&table.total) {
        drawn.add_row(row.iter().map(Value::show).enumerate().map(cell));
    }
    drawn.to_string()
}

pub(super) fn json(answer: &Answer) -> String {
    let mut object = serde_json::Map::new();
    for fact in &answer.facts {
        object.insert(fact.key.to_owned(), fact.value.json());
    }
    if let Some(table) = &answer.table {
        let row = |row: &Vec<Value>| -> serde_json::Value {
            let keys = table.columns.iter().map(|(key, _)| (*key).to_owned());
            let fields: serde_json::Map<_, _> = keys.zip(row.iter().map(Value::json)).collect();
            fields.into()
        };
        object.insert("rows".to_owned(), table.rows.iter().map(row).collect());
        if let Some(total) = &table.total {
            object.insert("total".to_owned(), row(total));
        }
    }
    let value = serde_json::Value::Object(object);
    // A value of strings, numbers and lists always serialises.
    format!("{value:#}\n")
}

pub(super) fn csv(answer: &Answer) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |fields: Vec<String>| writer.write_record(fields);
    let written = match &answer.table {
        Some(table) => {
            let header = table.columns.iter().map(|(key, _)| (*key).to_owned());
            write(header.collect()).and_then(|()| {
                let mut rows = table.rows.iter();
                rows.try_for_each(|row| write(row.iter().map(Value::csv).collect()))
            })
        }
        None => write(answer.facts.iter().map(|f| f.key.to_owned()).collect())
            .and_then(|()| write(answer.facts.iter().map(|f| f.value.csv()).collect())),
    };
    let wrong = |error: String| Failure::new(Class::Internal, error, "Choose another --output.");
    written.map_err(|error| wrong(error.to_string()))?;
    let bytes = writer
        .into_inner()
        .map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}
