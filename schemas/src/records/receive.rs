//! `receive`: The receiver says what arrived, item by item; closes its part of the shipment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, SiteId};
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;

/// The receiver says what arrived, item by item; closes its part of the shipment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// The shipment; absent for an arrival that nobody announced.
    pub shipment: Option<DocumentId>,
    /// Where.
    pub site: SiteId,
    /// Arrived as shipped.
    pub found: ItemSet,
    /// Shipped and not there, inside units too.
    pub missing: ItemSet,
    /// There and not shipped.
    pub extra: ItemSet,
    /// Arrived and sent back.
    pub refused: ItemSet,
    /// The entry clearance.
    pub clearance: Option<DocumentId>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Receive {
    fn check(&self) -> Result<(), FieldError> {
        unless(
            [&self.found, &self.missing, &self.extra, &self.refused]
                .iter()
                .all(|s| s.is_empty()),
            "found",
            "names no item",
        )?;
        let sets = [&self.found, &self.missing, &self.extra, &self.refused];
        for (i, a) in sets.iter().enumerate() {
            for b in &sets[i + 1..] {
                unless(
                    a.first_common(b).is_some(),
                    "found",
                    "an item is in two of the lists",
                )?;
            }
        }
        unless(
            self.shipment.is_none() && !(self.missing.is_empty() && self.refused.is_empty()),
            "shipment",
            "missing and refused need a shipment",
        )?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.found, &self.missing, &self.extra, &self.refused]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
