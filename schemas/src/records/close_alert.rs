//! `close_alert`: A disposition of an alert by a customs, regulator or inspector member.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::records::check::{Check, FieldError, text};

/// A disposition of an alert by a customs, regulator or inspector member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseAlert {
    /// The alert.
    pub alert: Hash,
    /// Explained or confirmed.
    pub outcome: AlertOutcome,
    /// Why, 1 to 400 bytes.
    pub text: String,
}

/// How an alert ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertOutcome {
    /// Harmless.
    Explained,
    /// A case.
    Confirmed,
}

impl Check for CloseAlert {
    fn check(&self) -> Result<(), FieldError> {
        text("text", &self.text, 1, 400)?;
        Ok(())
    }
}
