//! `declare_production`: A fab's production of one model in a period.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::ModelId;
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;

/// A fab's production of one model in a period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareProduction {
    /// What.
    pub model: ModelId,
    /// Start of the period.
    pub from: Time,
    /// End of the period.
    pub until: Time,
    /// Wafers started.
    pub wafer_starts: u64,
    /// Good dies packaged.
    pub good_dies: u64,
    /// Packaged and scrapped.
    pub scrap: u64,
}

impl Check for DeclareProduction {
    fn check(&self) -> Result<(), FieldError> {
        unless(self.until <= self.from, "until", "must be after from")?;
        Ok(())
    }
}
