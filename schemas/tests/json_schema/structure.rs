//! As much of JSON Schema as the project's schemas use: enough to see that a form fits.
//! Annotations, formats and patterns are left to whoever uses the schemas; an unknown keyword
//! fails, so that none is overlooked.

use serde_json::Value;

const NOT_JUDGED: [&str; 8] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "format",
    "pattern",
    "default",
    "uniqueItems",
];

/// Whether `value` fits `schema`; references are looked up in `root`.
pub(crate) fn fits(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return match schema {
            Value::Bool(true) => Ok(()),
            other => Err(format!("the schema {other} accepts nothing")),
        };
    };
    for (keyword, rule) in keywords {
        let holds = match keyword.as_str() {
            "$ref" => {
                let place = rule.as_str().unwrap_or_default().trim_start_matches('#');
                let target = root.pointer(place).ok_or(format!("no {rule}"))?;
                fits(root, target, value)?;
                true
            }
            "type" => is_of_type(rule, value),
            "enum" => rule.as_array().is_some_and(|words| words.contains(value)),
            "oneOf" | "anyOf" => one_fits(root, rule, value),
            "properties" => properties_fit(root, schema, value)?,
            "additionalProperties" => nothing_else(schema, value),
            "required" => required_are_there(rule, value),
            "items" => items_fit(root, rule, value)?,
            "minimum" => value.as_f64() >= rule.as_f64() || !value.is_number(),
            "maximum" => value.as_f64() <= rule.as_f64() || !value.is_number(),
            "minLength" => value.as_str().is_none_or(|s| s.len() as u64 >= bound(rule)),
            "maxLength" => value.as_str().is_none_or(|s| s.len() as u64 <= bound(rule)),
            "maxItems" => value
                .as_array()
                .is_none_or(|a| a.len() as u64 <= bound(rule)),
            "const" => value == rule,
            other if NOT_JUDGED.contains(&other) => true,
            other => return Err(format!("the test does not know the keyword {other}")),
        };
        if !holds {
            return Err(format!("{keyword} {rule} does not hold for {value}"));
        }
    }
    Ok(())
}

fn bound(rule: &Value) -> u64 {
    rule.as_u64().unwrap_or_default()
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("string") => value.is_string(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        _ => false,
    };
    rule.as_array()
        .map_or_else(|| is(rule), |names| names.iter().any(is))
}

fn one_fits(root: &Value, rule: &Value, value: &Value) -> bool {
    let mut choices = rule.as_array().into_iter().flatten();
    choices.any(|choice| fits(root, choice, value).is_ok())
}

fn properties_fit(root: &Value, schema: &Value, value: &Value) -> Result<bool, String> {
    for (name, rule) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(field) = value.get(name) {
            fits(root, rule, field).map_err(|reason| format!("{name}: {reason}"))?;
        }
    }
    Ok(true)
}

fn nothing_else(schema: &Value, value: &Value) -> bool {
    let mut names = value
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys());
    schema["additionalProperties"] != false
        || names.all(|name| schema["properties"].get(name).is_some())
}

fn required_are_there(rule: &Value, value: &Value) -> bool {
    let mut names = rule.as_array().into_iter().flatten();
    names.all(|name| value.get(name.as_str().unwrap_or_default()).is_some())
}

fn items_fit(root: &Value, rule: &Value, value: &Value) -> Result<bool, String> {
    for item in value.as_array().into_iter().flatten() {
        fits(root, rule, item)?;
    }
    Ok(true)
}
