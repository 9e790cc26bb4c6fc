//! `record`: any kind of record, from JSON.

use chipledger_schemas::records::Kind;
use serde_json::Value;

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input;
use crate::input::fields::Fields;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Submits one record of any kind; its fields are those of schemas/json/KIND.json.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Kind, such as set_member, set_site, set_licence, inspect, dispute.
    #[arg(value_parser = input::kind)]
    kind: Kind,
    /// Its fields as a JSON object; lists may be left out, and occurred_at.
    #[arg(long, value_name = "OBJECT")]
    json: String,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let wrong = |what: String| {
            let names = Fields::of(self.kind).names().join(", ");
            Failure::usage(
                format!("--json: {what}"),
                format!("Fields of {} are {names}.", self.kind),
            )
        };
        let value: Value =
            serde_json::from_str(&self.json).map_err(|error| wrong(error.to_string()))?;
        let Value::Object(mut object) = value else {
            return Err(wrong("is not an object".to_owned()));
        };
        // The form that files have, {"install": {...}}, is understood too.
        if object.len() == 1
            && let Some(Value::Object(inner)) = object.remove(self.kind.name())
        {
            object = inner;
        }
        self.write.act(out, self.when, |occurred_at, _| {
            let fields = Fields::of(self.kind);
            fields.complete(&mut object);
            if fields.has("occurred_at") {
                let time = || Value::String(occurred_at.to_string());
                object.entry("occurred_at").or_insert_with(time);
            }
            Ok(vec![input::record(self.kind, object).map_err(wrong)?])
        })
    }
}
