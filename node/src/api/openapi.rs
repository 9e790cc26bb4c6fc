//! The `OpenAPI` document: made from the same table as the router, with the schemas of the types
//! that are sent. It is checked in as `docs/openapi.json`.

use chipledger_schemas::api::{CANONICAL_BYTES, ErrorCode};
use chipledger_schemas::json_schema;
use serde_json::{Map, Value, json};

use super::routes::{self, Method, Route, Shape};

/// Components that are rows of the read model: what is in them, for readers. The types are
/// `chipledger_ledger::read`'s.
const ROWS: &[(&str, &str, &[&str])] = &[
    (
        "Found",
        "Where an item is, and the record that put it there.",
        &["whereabouts", "record_id"],
    ),
    (
        "ItemPage",
        "Items with their whereabouts; `next` is the cursor of the next page.",
        &["items", "next"],
    ),
    (
        "Pooled",
        "Rows of compute by key, their sum, the parts of each row if two dimensions are crossed, \
         and the concentration (HHI, 0 to 10,000).",
        &["compute", "cross", "crossed", "concentration"],
    ),
    (
        "Measured",
        "Measures of concentration over the known rows with low and high bounds (HHI in \
         hundredths of a point, others in millionths), and how HHI changed.",
        &["concentration", "change"],
    ),
    (
        "Flows",
        "Rows from opening to closing of a period, moves between them, and arrivals by origin.",
        &["by", "since", "until", "rows", "total", "moves", "arrivals"],
    ),
    (
        "Shipments",
        "Shipments with what is outstanding, and by how much they are late at `now`.",
        &["now", "shipments"],
    ),
    (
        "Member",
        "What is true of a member.",
        &[
            "name",
            "roles",
            "jurisdiction",
            "parent",
            "lei",
            "issuers",
            "encryption_key",
            "vetting",
            "suspended",
            "successor",
        ],
    ),
];

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in routes::table() {
        let entry = paths
            .entry(route.path)
            .or_insert_with(|| Value::Object(Map::new()));
        let method = match route.method {
            Method::Get => "get",
            Method::Post => "post",
        };
        entry[method] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chipledger node",
            "version": "1",
            "description": "A peer of a ledger of AI accelerators. Every answer states the height \
                that it is for. Every error has a code, a message and a hint.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components()},
    })
}

fn operation(route: &Route) -> Value {
    let answer = match route.answer {
        Shape::Json(component) => json!({"application/json": {"schema": reference(component)}}),
        Shape::Answer(component) => json!({"application/json": {"schema": {"allOf": [
            reference("Answer"),
            {"type": "object", "properties": {"answer": reference(component)}},
        ]}}}),
        Shape::Other(media_type) => json!({media_type: {}}),
    };
    let mut operation = json!({
        "summary": route.about,
        "parameters": parameters(route),
        "responses": {
            "200": {"description": "The answer.", "content": answer},
            "default": {
                "description": "Why there is no answer, and what to do.",
                "content": {"application/json": {"schema": reference("ErrorBody")}},
            },
        },
    });
    if route.path == "/v1/transactions" {
        let accepted = &operation["responses"]["200"]["content"];
        operation["responses"]["202"] = json!({
            "description": "Accepted, and waiting for a block.",
            "content": accepted.clone(),
        });
    }
    if let Some(body) = route.body {
        let mut content = json!({"application/json": {"schema": reference(body)}});
        if route.path == "/v1/transactions" {
            content[CANONICAL_BYTES] = json!({});
        }
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": {"type": "string"},
        }))
    });
    let in_query = route.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name, "in": "query", "required": false,
            "description": parameter.about, "schema": {"type": "string"},
        })
    });
    in_path.chain(in_query).collect()
}

fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{component}")})
}

fn components() -> Value {
    let mut all = json_schema::of_api();
    for (name, about, properties) in ROWS {
        let properties: Map<_, _> = properties
            .iter()
            .map(|property| ((*property).to_owned(), json!({})))
            .collect();
        all[*name] = json!({"type": "object", "description": about, "properties": properties});
    }
    all["Answer"] = json!({
        "type": "object",
        "description": "An answer with the height that it is for.",
        "required": ["height", "block_time", "basis", "clock", "answer"],
        "properties": {
            "height": {"type": "integer", "description": "Height up to which records count."},
            "block_time": {"type": "string", "format": "date-time"},
            "at": {"type": ["string", "null"], "format": "date-time",
                "description": "Event time up to which facts count; all, if null."},
            "basis": {"enum": ["committed", "derived"]},
            "clock": {"enum": ["wall", "replay"]},
            "answer": {},
        },
    });
    all["Steps"] = json!({
        "type": "array", "description": "Records, in the order decided.", "items": {"type": "object"},
    });
    all["CheckAnswers"] = json!({"type": "array", "items": reference("CheckAnswer")});
    all["Transactions"] = json!({"type": "array", "items": reference("Transaction")});
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    all["ErrorBody"]["properties"]["code"]["examples"] = json!(codes);
    all
}
