//! `succeed_member`: One member takes over everything of another: merger, insolvency.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::MemberId;
use crate::records::check::{Check, FieldError, text, unless};
use crate::time::Time;

/// One member takes over everything of another: merger, insolvency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SucceedMember {
    /// Who ceases; may sign nothing afterwards.
    pub from: MemberId,
    /// Who holds, owns and uses all of it from now on.
    pub to: MemberId,
    /// Title of the succession, 1 to 400 bytes.
    pub basis: String,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for SucceedMember {
    fn check(&self) -> Result<(), FieldError> {
        text("basis", &self.basis, 1, 400)?;
        unless(
            self.from == self.to,
            "to",
            "a member does not succeed itself",
        )?;
        Ok(())
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
