//! `dispute`: Marks items as disputed, or resolves it; the account does not change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items, text};
use crate::time::Time;

/// Marks items as disputed, or resolves it; the account does not change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// The items named.
    pub items: ItemSet,
    /// Open or resolve.
    pub action: DisputeAction,
    /// Why, 1 to 400 bytes.
    pub reason: String,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// Direction of a dispute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeAction {
    /// Somebody claims otherwise.
    Open,
    /// The claim is settled.
    Resolve,
}

impl Check for Dispute {
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
