//! `withdraw`: Takes back a proposal, by its proposer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::DocumentId;
use crate::records::check::{Check, FieldError};

/// Takes back a proposal, by its proposer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Which.
    pub proposal: DocumentId,
}

impl Check for Withdraw {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
}
