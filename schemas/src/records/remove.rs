//! `remove`: Takes items out of operation, back to stock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items};
use crate::time::Time;

/// Takes items out of operation, back to stock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The items named.
    pub items: ItemSet,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Remove {
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
