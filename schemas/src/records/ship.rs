//! `ship`: Sends roots from the site where they are to a named receiver; opens a shipment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, MemberId, SiteId};
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, sealed, some_items, unless};
use crate::sealed::Sealed;
use crate::time::Time;

/// Sends roots from the site where they are to a named receiver; opens a shipment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ship {
    /// The shipment; its member is the shipper.
    pub shipment: DocumentId,
    /// The items named.
    pub items: ItemSet,
    /// Who shall receive.
    pub to: MemberId,
    /// Where.
    pub to_site: SiteId,
    /// Who carries, if a member.
    pub carrier: Option<MemberId>,
    /// Expected arrival.
    pub expected_at: Time,
    /// The order that it answers.
    pub order: Option<DocumentId>,
    /// The licence that it uses.
    pub licence: Option<DocumentId>,
    /// The exit clearance.
    pub clearance: Option<DocumentId>,
    /// Value and terms, for the parties and authorities only.
    pub declared: Option<Sealed>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Ship {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        unless(
            self.expected_at < self.occurred_at,
            "expected_at",
            "must not be before occurred_at",
        )?;
        sealed("declared", self.declared.as_ref())?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
