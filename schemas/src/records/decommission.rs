//! `decommission`: Ends the working life of items that stay where they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items, text};
use crate::time::Time;

/// Ends the working life of items that stay where they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decommission {
    /// The items named.
    pub items: ItemSet,
    /// Why, 1 to 400 bytes.
    pub reason: String,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Decommission {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        text("reason", &self.reason, 1, 400)?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
