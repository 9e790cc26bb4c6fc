//! `declare_run`: A training run: who, where, on what, how much.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, SiteId};
use crate::records::check::{Check, FieldError, at_most, text, unless};
use crate::time::Time;

/// A training run: who, where, on what, how much.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareRun {
    /// The run; its member is the operator.
    pub run: DocumentId,
    /// Where.
    pub sites: BTreeSet<SiteId>,
    /// How many accelerators.
    pub chips: u64,
    /// Operations.
    pub flop: Flop,
    /// Parameters of the model trained.
    pub parameters: u64,
    /// Start.
    pub from: Time,
    /// End, expected or actual.
    pub until: Time,
    /// What for, 0 to 400 bytes.
    pub purpose: String,
}

/// An amount of computation, `digits x 10^exponent` operations, exactly as declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flop {
    /// Significant digits.
    pub digits: u32,
    /// Power of ten, 0 to 28: the amount fits 128 bits.
    pub exponent: u8,
}

impl Check for DeclareRun {
    fn check(&self) -> Result<(), FieldError> {
        text("purpose", &self.purpose, 0, 400)?;
        unless(self.flop.exponent > 28, "exponent", "must be 0 to 28")?;
        unless(self.sites.is_empty(), "sites", "names no site")?;
        at_most("sites", self.sites.len(), 100)?;
        unless(self.until <= self.from, "until", "must be after from")?;
        Ok(())
    }
}
