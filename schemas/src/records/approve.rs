//! `approve`: A regulator's vote for a proposal; the one that completes the quorum makes it act.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::DocumentId;
use crate::records::check::{Check, FieldError};

/// A regulator's vote for a proposal; the one that completes the quorum makes it act.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// Which.
    pub proposal: DocumentId,
}

impl Check for Approve {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
}
