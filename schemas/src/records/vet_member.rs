//! `vet_member`: Outcome of a background check of a member, by a customs or regulator member.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, Reference};
use crate::records::check::{Check, FieldError};
use crate::time::Time;

/// Outcome of a background check of a member, by a customs or regulator member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VetMember {
    /// Who was checked.
    pub member: MemberId,
    /// What came out.
    pub outcome: VetOutcome,
    /// When the check lapses.
    pub valid_until: Time,
    /// The authority's file.
    pub case: Option<Reference>,
}

/// Outcome of a background check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VetOutcome {
    /// Nothing stands against dealing with the member.
    Cleared,
    /// Dealing with the member is refused where policy demands vetting.
    Refused,
}

impl Check for VetMember {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
}
