//! `report_energy`: Energy that a site drew in a period.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Reference, SiteId};
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;

/// Energy that a site drew in a period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportEnergy {
    /// Which.
    pub site: SiteId,
    /// Start of the period.
    pub from: Time,
    /// End of the period.
    pub until: Time,
    /// Energy, watt-hours.
    pub energy_wh: u64,
    /// The meter.
    pub meter: Reference,
    /// Power usage effectiveness, thousandths.
    pub pue_milli: Option<u32>,
}

impl Check for ReportEnergy {
    fn check(&self) -> Result<(), FieldError> {
        unless(self.until <= self.from, "until", "must be after from")?;
        Ok(())
    }
}
