//! `annotate`: A note on a record; changes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RecordId;
use crate::records::check::{Check, FieldError, text};

/// A note on a record; changes nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotate {
    /// Which.
    pub record: RecordId,
    /// The note, 1 to 400 bytes.
    pub text: String,
}

impl Check for Annotate {
    fn check(&self) -> Result<(), FieldError> {
        text("text", &self.text, 1, 400)?;
        Ok(())
    }
}
