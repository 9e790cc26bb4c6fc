//! `replace`: A repair swap: the new chip takes the old one's place, the old one becomes a root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, Reference};
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;

/// A repair swap: the new chip takes the old one's place, the old one becomes a root.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// Comes out.
    pub old: ItemId,
    /// Goes in; a root of the same model held by the signer at the same site.
    pub new: ItemId,
    /// The case.
    pub rma: Option<Reference>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Replace {
    fn check(&self) -> Result<(), FieldError> {
        unless(
            self.old == self.new,
            "new",
            "an item does not replace itself",
        )?;
        Ok(())
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
