//! `propose`: Puts a governance record to the vote of the regulators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::DocumentId;
use crate::records::check::{Check, FieldError, unless};
use crate::records::nested::Nested;
use crate::time::Time;

/// Puts a governance record to the vote of the regulators.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Propose {
    /// The proposal; its member is the proposer.
    pub proposal: DocumentId,
    /// What would act.
    pub record: Nested,
    /// Block time after which it can no longer be approved.
    pub expires_at: Time,
}

impl Check for Propose {
    fn check(&self) -> Result<(), FieldError> {
        unless(
            !self.record.kind().is_governance(),
            "record",
            "only a governance record can be proposed",
        )?;
        self.record.check()?;
        Ok(())
    }
}
