//! `set_loss`: Reports items lost or stolen, or recovered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items};
use crate::time::Time;

/// Reports items lost or stolen, or recovered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLoss {
    /// The items named.
    pub items: ItemSet,
    /// What happened.
    pub loss: Loss,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// A loss or its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Cannot be found.
    Lost,
    /// Was taken.
    Stolen,
    /// Is back where the book last had it.
    Recovered,
}

impl Check for SetLoss {
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
