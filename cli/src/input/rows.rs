//! Records of one kind as rows of a CSV: the header names fields.

use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::time::Time;
use serde_json::{Map, Value};

use super::Source;
use super::fields::Fields;
use crate::error::Failure;
use crate::submission::{Content, Entry};

pub(super) fn read(
    source: Source<'_>,
    kind: Kind,
    occurred_at: Time,
) -> Result<Vec<Entry>, Failure> {
    let fields = Fields::of(kind);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(source.text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| source.wrong("line 1", &error.to_string()))?;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    check_header(source, &fields, kind, &header)?;
    let mut entries = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            source.wrong(&format!("line {line}"), &error.to_string())
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let place = format!("line {line}");
        if row.len() != header.len() {
            return Err(source.wrong(&place, &wrong_length(&header, row.len())));
        }
        let mut object = Map::new();
        for (column, (name, cell)) in (1_usize..).zip(header.iter().zip(row.iter())) {
            let value = fields.value(name, cell).map_err(|what| {
                source.wrong(&format!("{place}, column {column} ({name})"), &what)
            })?;
            object.insert(name.clone(), value);
        }
        fields.complete(&mut object);
        if fields.has("occurred_at") {
            let now = || Value::String(occurred_at.to_string());
            object.entry("occurred_at").or_insert_with(now);
        }
        let record = record(kind, object).map_err(|what| {
            source.wrong(
                &format!("{place}{}", column_of(&header, &row, &what)),
                &what,
            )
        })?;
        entries.push(Entry {
            place,
            content: Content::Record(Box::new(record)),
        });
    }
    if entries.is_empty() {
        return Err(source.wrong("has no rows", "only a header, or nothing"));
    }
    Ok(entries)
}

/// A record of its kind and fields.
///
/// # Errors
/// Which field is missing, unknown or out of bounds.
pub(crate) fn record(kind: Kind, fields: Map<String, Value>) -> Result<Record, String> {
    let named = Value::Object(Map::from_iter([(kind.name().to_owned(), fields.into())]));
    let record: Record = serde_json::from_value(named).map_err(|error| error.to_string())?;
    record.check().map_err(|error| error.to_string())?;
    Ok(record)
}

fn check_header(
    source: Source<'_>,
    fields: &Fields,
    kind: Kind,
    header: &[String],
) -> Result<(), Failure> {
    let known = fields.names().join(", ");
    for (column, name) in (1_usize..).zip(header) {
        if !fields.has(name) {
            let what = format!("{kind} has no field {name:?}; its fields are {known}");
            return Err(source.wrong(&format!("line 1, column {column}"), &what));
        }
        if header.iter().filter(|other| *other == name).count() > 1 {
            let what = format!("field {name} stands there twice");
            return Err(source.wrong(&format!("line 1, column {column}"), &what));
        }
    }
    let missing: Vec<_> = fields
        .needed()
        .into_iter()
        .filter(|name| !header.iter().any(|given| given == name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(source.wrong(
        "line 1",
        &format!("column {} is missing", missing.join(", ")),
    ))
}

fn wrong_length(header: &[String], got: usize) -> String {
    let expected = header.len();
    match header.get(got) {
        Some(_) => {
            let missing = header[got..].join(", ");
            format!(
                "the row ends after {got} of {expected} columns; {missing} is missing (column {})",
                got + 1
            )
        }
        None => format!(
            "the row has {got} columns, the header {expected}; column {} is too many",
            expected + 1
        ),
    }
}

/// The column that a message is about: it names the field, or quotes the cell.
fn column_of(header: &[String], row: &csv::StringRecord, what: &str) -> String {
    let is_meant = |name: &str, cell: &str| {
        let quoted = [format!("{cell:?}"), format!("`{cell}`")];
        what.contains(&format!("`{name}`"))
            || !cell.is_empty() && quoted.iter().any(|quoted| what.contains(quoted))
    };
    let mut columns = (1_usize..).zip(header.iter().zip(row.iter()));
    let named = columns.find(|(_, (name, cell))| is_meant(name, cell.trim()));
    named.map_or_else(String::new, |(column, (name, _))| {
        format!(", column {column} ({name})")
    })
}
