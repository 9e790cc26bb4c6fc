//! `set_seizure`: An authority seizes items where they are, under way too, or releases them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, SiteId};
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, sealed, some_items};
use crate::sealed::Sealed;
use crate::time::Time;

/// An authority seizes items where they are, under way too, or releases them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSeizure {
    /// The items named.
    pub items: ItemSet,
    /// Seize or release.
    pub action: SeizureAction,
    /// The case file.
    pub case: Option<Sealed>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// Direction of a seizure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SeizureAction {
    /// The authority takes custody at one of its jurisdiction's sites.
    Seize {
        /// Where the items are kept.
        site: SiteId,
    },
    /// Custody passes to a member at the same site.
    Release {
        /// Who takes them.
        to: MemberId,
    },
}

impl Check for SetSeizure {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        sealed("case", self.case.as_ref())?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
