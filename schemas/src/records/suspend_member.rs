//! `suspend_member`: Suspends a member (its validator with it) or reinstates it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::MemberId;
use crate::records::check::{Check, FieldError, text};

/// Suspends a member (its validator with it) or reinstates it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendMember {
    /// Whom.
    pub member: MemberId,
    /// Suspend or reinstate.
    pub action: Suspension,
    /// Why, 1 to 400 bytes.
    pub reason: String,
}

/// Direction of a suspension.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suspension {
    /// From now on its signatures count for nothing.
    Suspend,
    /// The suspension ends.
    Reinstate,
}

impl Check for SuspendMember {
    fn check(&self) -> Result<(), FieldError> {
        text("reason", &self.reason, 1, 400)?;
        Ok(())
    }
}
