//! `set_key`: Adds or revokes a signing key of a member.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, PublicKey};
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;
use crate::words::KeyClass;

/// Adds or revokes a signing key of a member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetKey {
    /// Whose key.
    pub member: MemberId,
    /// The Ed25519 key.
    pub key: PublicKey,
    /// Add or revoke.
    pub action: KeyAction,
}

/// What happens to the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyAction {
    /// The key may sign from one block time to another.
    Add {
        /// Clerk, admin or peer.
        class: KeyClass,
        /// First block time at which it counts.
        valid_from: Time,
        /// First block time at which it no longer counts.
        valid_until: Time,
    },
    /// The key signs nothing from this block on.
    Revoke,
}

impl Check for SetKey {
    fn check(&self) -> Result<(), FieldError> {
        if let KeyAction::Add {
            valid_from,
            valid_until,
            ..
        } = self.action
        {
            unless(
                valid_until <= valid_from,
                "valid_until",
                "must be after valid_from",
            )?;
        }
        Ok(())
    }
}
