//! `set_model`: Adds a version of a catalogue entry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{ModelId, ModelVersion};
use crate::records::check::{Check, FieldError};

/// Adds a version of a catalogue entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetModel {
    /// The catalogue key.
    pub model: ModelId,
    /// The figures; its version number is one above the last.
    pub version: ModelVersion,
}

impl Check for SetModel {
    fn check(&self) -> Result<(), FieldError> {
        self.version.check().map_err(|fault| FieldError {
            field: "version",
            reason: fault.to_string(),
        })
    }
}
