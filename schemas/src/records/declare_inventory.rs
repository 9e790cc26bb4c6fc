//! `declare_inventory`: A signed physical listing of a site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::SiteId;
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError};
use crate::time::Time;

/// A signed physical listing of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareInventory {
    /// Which.
    pub site: SiteId,
    /// The items named.
    pub items: ItemSet,
    /// Whether everything there is named.
    pub listing: Listing,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// How much of a site a listing covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Everything at the site is named, or inside something named.
    Complete,
    /// Part of a listing in several records.
    Partial,
}

impl Check for DeclareInventory {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
