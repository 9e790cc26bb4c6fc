//! `redirect`: Gives an open shipment another destination; names every item still under way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, MemberId, SiteId};
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items, unless};
use crate::time::Time;

/// Gives an open shipment another destination; names every item still under way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// Which.
    pub shipment: DocumentId,
    /// The items named.
    pub items: ItemSet,
    /// New receiver.
    pub to: MemberId,
    /// New destination.
    pub to_site: SiteId,
    /// New expected arrival.
    pub expected_at: Time,
    /// Licence for the new destination.
    pub licence: Option<DocumentId>,
    /// Exit clearance for the new destination.
    pub clearance: Option<DocumentId>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Redirect {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        unless(
            self.expected_at < self.occurred_at,
            "expected_at",
            "must not be before occurred_at",
        )?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
