//! `tip`: A whistleblower's message, sealed, entered by a regulator after a random delay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, sealed};
use crate::sealed::Sealed;

/// A whistleblower's message, sealed, entered by a regulator after a random delay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tip {
    /// Ciphertext for regulators.
    pub message: Sealed,
    /// Items that it is about; may be empty.
    pub items: ItemSet,
}

impl Check for Tip {
    fn check(&self) -> Result<(), FieldError> {
        sealed("message", Some(&self.message))?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }
}
