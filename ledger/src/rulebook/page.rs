//! The page: `docs/records.md`, made from the rules, the codes and the JSON Schemas.

use std::collections::BTreeMap;
use std::fmt::Write;

use chipledger_schemas::json_schema;
use chipledger_schemas::records::{Group, Kind};
use serde_json::{Map, Value};

use super::{ENVELOPE, Rule, heading, rules};
use crate::rejection::Code;

const INTRO: &str = "# Records\n\n\
    Generated from the code by `CHIPLEDGER_WRITE_DOCS=1 cargo test -p chipledger-ledger --test rulebook`; \
    a test fails when it differs.\n\n\
    A record is one signed statement. One transaction carries 1 to 1,000 of them; all apply or none. An \
    account is (place with jurisdiction, holder, owner, user, status). Where a table names fewer, the others stay. \
    Every record that names an item folds into the item's history, whatever else it does.\n\n";

const ENVELOPE_INTRO: &str = "Checked first, in this order. Keys, members and roles are judged at block time. \
    `execution_failed` is not a rule: it says that a record was set aside because of a fault of the program.\n\n";

/// The text of `docs/records.md`, with the codes of each kind.
///
/// # Panics
/// When a kind has no schema, which is a bug.
pub fn page(codes: &dyn Fn(Kind) -> Vec<Code>) -> String {
    let mut text = INTRO.to_owned();
    contents(&mut text);
    text.push_str("## Every transaction\n\n");
    text.push_str(ENVELOPE_INTRO);
    code_table(&mut text, ENVELOPE);
    let mut types = BTreeMap::new();
    let mut group = None;
    for rule in rules() {
        if group.replace(rule.kind.group()) != Some(rule.kind.group()) {
            let _ = writeln!(text, "## {}\n", heading(rule.kind.group()));
        }
        section(&mut text, rule, &codes(rule.kind), &mut types);
    }
    type_list(&mut text, &types);
    text.push_str("## Codes\n\nEvery code, and what the submitter should do.\n\n");
    code_table(&mut text, Code::ALL);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn contents(text: &mut String) {
    for group in [Group::Governance, Group::Custody, Group::Evidence] {
        let link = |rule: &Rule| format!("[{0}](#{0})", rule.kind);
        let links: Vec<_> = rules()
            .filter(|rule| rule.kind.group() == group)
            .map(link)
            .collect();
        let _ = writeln!(text, "- {}: {}", heading(group), links.join(", "));
    }
    text.push('\n');
}

fn code_table(text: &mut String, codes: &[Code]) {
    text.push_str("| code | what to do |\n|---|---|\n");
    for code in codes {
        let _ = writeln!(text, "| `{code}` | {} |", code.hint());
    }
    text.push('\n');
}

fn section(text: &mut String, rule: &Rule, codes: &[Code], types: &mut BTreeMap<String, Value>) {
    let schema = json_schema::of_kind(rule.kind);
    let mut definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
    let place = reference(&schema["properties"][rule.kind.name()]).expect("a kind has a schema");
    let record = definitions.remove(&place).expect("a kind has fields");
    let _ = writeln!(text, "### {}\n\n{}\n", rule.kind, description(&record));
    text.push_str("| | |\n|---|---|\n");
    for (name, cell) in rule.cells() {
        let _ = writeln!(text, "| {name} | {cell} |");
    }
    let _ = writeln!(
        text,
        "| Rejected with | {} |\n",
        code_list(rule.kind, codes)
    );
    fields(text, &record);
    // A nested record has the schema of every kind; those stand on this page already.
    definitions.retain(|name, _| !is_kind(name) && name != "Record");
    types.extend(definitions);
}

fn code_list(kind: Kind, codes: &[Code]) -> String {
    if codes.is_empty() {
        return "nothing but what every transaction can be".to_owned();
    }
    let names: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let inside = match kind {
        Kind::Propose | Kind::Approve | Kind::Correct => "; and what the record inside it can be",
        _ => "",
    };
    format!("{}{inside}", names.join(", "))
}

fn is_kind(name: &str) -> bool {
    let snake = name.chars().fold(String::new(), |mut snake, c| {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
        snake
    });
    Kind::ALL.iter().any(|kind| kind.name() == snake)
}

fn fields(text: &mut String, record: &Value) {
    let Some(properties) = record["properties"].as_object() else {
        return;
    };
    text.push_str("| field | type | meaning |\n|---|---|---|\n");
    for (name, field) in properties {
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} |",
            type_of(field),
            description(field)
        );
    }
    text.push('\n');
}

fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn reference(schema: &Value) -> Option<String> {
    let place = schema["$ref"].as_str()?;
    Some(place.rsplit('/').next().unwrap_or(place).to_owned())
}

/// A type in words: a link, `list of`, `optional`, or JSON's own.
fn type_of(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return if name == "Record" {
            "a record".to_owned()
        } else {
            format!("[{name}](#{})", name.to_ascii_lowercase())
        };
    }
    if let Some(either) = schema["anyOf"].as_array() {
        let some: Vec<_> = either
            .iter()
            .filter(|one| one["type"] != "null")
            .map(type_of)
            .collect();
        return format!("optional {}", some.join(" or "));
    }
    if schema["items"].is_object() {
        return format!("list of {}", type_of(&schema["items"]));
    }
    match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => {
            let some: Vec<_> = several
                .iter()
                .filter_map(Value::as_str)
                .filter(|one| *one != "null")
                .collect();
            format!("optional {}", some.join(" or "))
        }
        _ => "object".to_owned(),
    }
}

fn type_list(text: &mut String, types: &BTreeMap<String, Value>) {
    text.push_str("## Types\n\n");
    for (name, schema) in types {
        let _ = writeln!(text, "### {name}\n\n{}\n", description(schema));
        fields(text, schema);
        if let Some(variants) = schema["oneOf"].as_array() {
            text.push_str("| word | meaning |\n|---|---|\n");
            for variant in variants {
                let _ = writeln!(text, "| {} | {} |", word(variant), description(variant));
            }
            text.push('\n');
        }
    }
}

/// One word of a closed set: `"word"`, or `{"word": ...}` with its fields.
fn word(variant: &Value) -> String {
    if let Some(word) = variant["const"].as_str() {
        return format!("`{word}`");
    }
    let none = Map::new();
    let inner = variant["properties"].as_object().unwrap_or(&none);
    let one = |(word, value): (&String, &Value)| match value["properties"].as_object() {
        Some(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, field)| format!("`{name}`: {}", type_of(field)))
                .collect();
            format!("`{word}` with {}", fields.join(", "))
        }
        None => format!("`{word}`: {}", type_of(value)),
    };
    inner.iter().map(one).collect::<Vec<_>>().join(" or ")
}
