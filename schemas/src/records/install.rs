//! `install`: Puts items into operation where they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Reference;
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items};
use crate::time::Time;

/// Puts items into operation where they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// The items named.
    pub items: ItemSet,
    /// Hall, row, rack.
    pub position: Option<Reference>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Install {
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
