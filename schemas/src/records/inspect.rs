//! `inspect`: Result of an inspection, by an inspector, customs or regulator member.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Reference, SiteId};
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;

/// Result of an inspection, by an inspector, customs or regulator member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inspect {
    /// The inspection plan.
    pub plan: Option<Reference>,
    /// Where.
    pub site: SiteId,
    /// Seen, and booked here.
    pub found: ItemSet,
    /// Booked here, and not seen.
    pub absent: ItemSet,
    /// Seen, and not booked here.
    pub extra: ItemSet,
    /// Seen with a broken seal or other marks.
    pub tampered: ItemSet,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Inspect {
    fn check(&self) -> Result<(), FieldError> {
        unless(
            [&self.found, &self.absent, &self.extra, &self.tampered]
                .iter()
                .all(|s| s.is_empty()),
            "found",
            "names no item",
        )?;
        unless(
            self.found.first_common(&self.absent).is_some(),
            "absent",
            "an item is both found and absent",
        )?;
        unless(
            self.found.first_common(&self.extra).is_some(),
            "extra",
            "an item is both found and extra",
        )?;
        unless(
            self.absent.first_common(&self.extra).is_some(),
            "extra",
            "an item is both absent and extra",
        )?;
        unless(
            self.absent.first_common(&self.tampered).is_some(),
            "tampered",
            "an item is both absent and tampered with",
        )?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.found, &self.absent, &self.extra, &self.tampered]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
