//! `destroy`: Ends items for good; a witness (inspector, customs or regulator) co-signs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::ids::MemberId;
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items};
use crate::time::Time;

/// Ends items for good; a witness (inspector, customs or regulator) co-signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destroy {
    /// The items named.
    pub items: ItemSet,
    /// Who saw it.
    pub witness: MemberId,
    /// Digest of the certificate of destruction.
    pub certificate: Hash,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Destroy {
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
