//! `set_use`: Says who computes on the items: a lease, a cloud tenant; ends it if absent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::MemberId;
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items};
use crate::time::Time;

/// Says who computes on the items: a lease, a cloud tenant; ends it if absent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUse {
    /// The items named.
    pub items: ItemSet,
    /// The user; the owner itself if absent.
    pub user: Option<MemberId>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for SetUse {
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
