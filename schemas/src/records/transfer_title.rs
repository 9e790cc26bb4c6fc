//! `transfer_title`: Passes ownership; the new owner co-signs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::MemberId;
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, sealed, some_items};
use crate::sealed::Sealed;
use crate::time::Time;

/// Passes ownership; the new owner co-signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferTitle {
    /// The items named.
    pub items: ItemSet,
    /// The new owner.
    pub to: MemberId,
    /// For the parties and authorities only.
    pub price: Option<Sealed>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for TransferTitle {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        sealed("price", self.price.as_ref())?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
