//! `set_site`: Declares or changes a site; countersigned by customs of the claimed jurisdiction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, SiteId};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, text, unless};
use crate::time::Time;

/// Declares or changes a site; countersigned by customs of the claimed jurisdiction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSite {
    /// The place.
    pub site: SiteId,
    /// What people call it, 1 to 120 bytes.
    pub name: String,
    /// Whose law holds there; ZZ if unknown.
    pub jurisdiction: Jurisdiction,
    /// Who runs it.
    pub operator: MemberId,
    /// Where it is.
    pub position: Option<Position>,
    /// Grid connection, kW.
    pub power_kw: Option<u64>,
    /// Since when, event time.
    pub valid_from: Time,
}

/// A point on the globe in millionths of a degree (WGS 84).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Degrees north times 1,000,000; -90,000,000 to 90,000,000.
    pub latitude_udeg: i32,
    /// Degrees east times 1,000,000; -180,000,000 to 180,000,000.
    pub longitude_udeg: i32,
}

impl Check for SetSite {
    fn check(&self) -> Result<(), FieldError> {
        text("name", &self.name, 1, 120)?;
        let outside = |p: &Position| {
            p.latitude_udeg.unsigned_abs() > 90_000_000
                || p.longitude_udeg.unsigned_abs() > 180_000_000
        };
        unless(
            self.position.as_ref().is_some_and(outside),
            "position",
            "must be on the globe, in millionths of a degree",
        )?;
        Ok(())
    }
}
