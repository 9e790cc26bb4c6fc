//! Fields of a record kind as text: a cell of a CSV becomes the JSON that the field's type wants.
//!
//! The types come from the kind's JSON Schema, so that a new field needs no line here.

use chipledger_schemas::json_schema;
use chipledger_schemas::records::Kind;
use serde_json::{Map, Value};

/// What the cell of a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Text,
    Number,
    List,
    Structure,
}

/// One field of a kind.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    form: Form,
    optional: bool,
}

/// The fields of a kind.
#[derive(Clone, Debug)]
pub struct Fields {
    kind: Kind,
    fields: Vec<Field>,
}

impl Fields {
    /// The fields of a kind, by name.
    pub fn of(kind: Kind) -> Self {
        let schema = json_schema::of_kind(kind);
        let record = resolve(&schema, &schema["properties"][kind.name()]);
        let required: Vec<&str> = record["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let properties = record["properties"].as_object();
        let field = |(name, property): (&String, &Value)| Field {
            name: name.clone(),
            form: form(&schema, property),
            optional: !required.contains(&name.as_str()),
        };
        let fields = properties
            .map(|all| all.iter().map(field).collect())
            .unwrap_or_default();
        Self { kind, fields }
    }

    /// Names of all fields.
    pub fn names(&self) -> Vec<&str> {
        self.fields
            .iter()
            .map(|field| field.name.as_str())
            .collect()
    }

    /// Whether a field of this name exists.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Fields that a record cannot do without, and that have no natural default.
    pub fn needed(&self) -> Vec<&str> {
        let needed = |field: &&Field| {
            !field.optional && field.form != Form::List && field.name != "occurred_at"
        };
        self.fields
            .iter()
            .filter(needed)
            .map(|field| field.name.as_str())
            .collect()
    }

    /// The JSON of a cell.
    ///
    /// # Errors
    /// What the cell should hold.
    pub fn value(&self, name: &str, cell: &str) -> Result<Value, String> {
        let cell = cell.trim();
        let Some(field) = self.fields.iter().find(|field| field.name == name) else {
            return Err(format!("{} has no field {name}", self.kind));
        };
        if cell.is_empty() {
            return match field.form {
                Form::List => Ok(Value::Array(Vec::new())),
                _ if field.optional => Ok(Value::Null),
                Form::Text => Ok(Value::String(String::new())),
                _ => Err("is empty".to_owned()),
            };
        }
        match field.form {
            Form::Number => cell
                .parse::<i64>()
                .map(Value::from)
                .or_else(|_| cell.parse::<u64>().map(Value::from))
                .map_err(|_| format!("{cell:?} is not a whole number")),
            Form::List if cell.starts_with('[') => json(cell),
            Form::List => {
                let words = cell.split([',', ' ', ';']).filter(|word| !word.is_empty());
                Ok(words.map(Value::from).collect())
            }
            // A word of an enumeration may stand for a structure without fields, such as `revoke`.
            Form::Structure if cell.starts_with('{') => json(cell),
            Form::Text | Form::Structure => Ok(Value::String(cell.to_owned())),
        }
    }

    /// Fills in what a person may leave out: empty lists.
    pub fn complete(&self, object: &mut Map<String, Value>) {
        for field in self.fields.iter().filter(|field| field.form == Form::List) {
            let empty = || Value::Array(Vec::new());
            object.entry(field.name.as_str()).or_insert_with(empty);
        }
    }
}

fn json(cell: &str) -> Result<Value, String> {
    serde_json::from_str(cell).map_err(|error| format!("is not JSON: {error}"))
}

/// Follows references to definitions.
fn resolve<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    let mut node = node;
    // Definitions of a schema nest a few levels; the bound only guards a cycle.
    for _ in 0..16 {
        let name = node["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix("#/$defs/"));
        match name.and_then(|name| schema["$defs"].get(name)) {
            Some(found) => node = found,
            None => break,
        }
    }
    node
}

fn form(schema: &Value, property: &Value) -> Form {
    let node = resolve(schema, property);
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = node[choice].as_array() {
            let forms: Vec<_> = choices
                .iter()
                .filter(|choice| choice["type"] != "null")
                .map(|choice| form(schema, choice))
                .collect();
            let structured = forms.contains(&Form::Structure);
            return if structured {
                Form::Structure
            } else {
                forms.first().copied().unwrap_or(Form::Text)
            };
        }
    }
    let is = |name: &str| match &node["type"] {
        Value::String(one) => one == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => false,
    };
    if is("integer") || is("number") {
        Form::Number
    } else if is("array") {
        Form::List
    } else if is("object") {
        Form::Structure
    } else {
        Form::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_what_the_fields_type_wants() {
        let fields = Fields::of(Kind::Register);
        assert_eq!(
            fields.value("items", "A:1..3 B:2"),
            Ok(serde_json::json!(["A:1..3", "B:2"]))
        );
        assert_eq!(fields.value("lot", ""), Ok(Value::Null));
        assert_eq!(fields.value("origin", "made"), Ok("made".into()));
        let clear = Fields::of(Kind::Clear);
        assert_eq!(clear.value("chips", "12"), Ok(12.into()));
        assert!(clear.value("chips", "twelve").is_err());
        let site = Fields::of(Kind::SetSite);
        let position = r#"{"latitude_udeg": 1, "longitude_udeg": -2}"#;
        assert!(
            site.value("position", position)
                .is_ok_and(|value| value.is_object())
        );
    }

    #[test]
    fn a_record_needs_what_has_no_default() {
        let needed = Fields::of(Kind::Register);
        assert_eq!(needed.needed(), ["model", "origin", "site"]);
    }
}
