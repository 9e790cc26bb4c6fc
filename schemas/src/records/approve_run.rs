//! `approve_run`: A regulator's decision on a training run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::DocumentId;
use crate::records::check::{Check, FieldError, text};

/// A regulator's decision on a training run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRun {
    /// Which.
    pub run: DocumentId,
    /// Approved or refused.
    pub decision: RunDecision,
    /// Conditions, 0 to 400 bytes.
    pub conditions: String,
}

/// A decision on a training run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunDecision {
    /// It may go on.
    Approved,
    /// It may not.
    Refused,
}

impl Check for ApproveRun {
    fn check(&self) -> Result<(), FieldError> {
        text("conditions", &self.conditions, 0, 400)?;
        Ok(())
    }
}
