//! `schedule_upgrade`: Schedules the protocol version that blocks have from a height on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Height;
use crate::records::check::{Check, FieldError};

/// Schedules the protocol version that blocks have from a height on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleUpgrade {
    /// The protocol version.
    pub version: u32,
    /// First height that has it.
    pub height: Height,
}

impl Check for ScheduleUpgrade {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
}
