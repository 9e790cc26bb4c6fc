//! `seal`: Puts a numbered seal on units.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Reference;
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items};
use crate::time::Time;

/// Puts a numbered seal on units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The items named.
    pub items: ItemSet,
    /// The number on the seal.
    pub seal: Reference,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Seal {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
