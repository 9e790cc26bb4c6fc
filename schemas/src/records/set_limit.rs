//! `set_limit`: Sets a dated cap or threshold on pooled compute.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, MemberId, SiteId};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, text, unless};
use crate::time::Time;

/// Sets a dated cap or threshold on pooled compute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLimit {
    /// The limit; its member is the authority.
    pub limit: DocumentId,
    /// What people call it, 1 to 120 bytes.
    pub name: String,
    /// What is summed.
    pub scope: LimitScope,
    /// Unit of the amount.
    pub measure: Measure,
    /// Chips, or thousandths of TPP.
    pub amount: u64,
    /// Whether a shipment that exceeds it is rejected.
    pub enforcement: Enforcement,
    /// First block time in force.
    pub valid_from: Time,
    /// First block time no longer in force.
    pub valid_until: Time,
}

/// Whose pooled compute a limit is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// Everything in, or on its way into, a jurisdiction.
    Jurisdiction(Jurisdiction),
    /// Everything whose owner has this ultimate parent.
    Parent(MemberId),
    /// Everything at, or on its way to, a site.
    Site(SiteId),
}

/// What a limit counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Accelerators.
    Chips,
    /// Thousandths of TPP.
    TppMilli,
}

/// What happens to a shipment that would exceed the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Nothing: reports and alerts show it.
    Report,
    /// The `ship` is rejected.
    Reject,
}

impl Check for SetLimit {
    fn check(&self) -> Result<(), FieldError> {
        text("name", &self.name, 1, 120)?;
        unless(
            self.valid_until <= self.valid_from,
            "valid_until",
            "must be after valid_from",
        )?;
        Ok(())
    }
}
