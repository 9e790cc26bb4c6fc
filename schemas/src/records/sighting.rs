//! `sighting`: An id was seen where the book does not have it; moves nothing, and the id may be
//! unknown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, SiteId};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, text};
use crate::time::Time;

/// An id was seen where the book does not have it; moves nothing, and the id may be unknown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The label seen.
    pub item: ItemId,
    /// Where, if at a known site.
    pub site: Option<SiteId>,
    /// Where.
    pub jurisdiction: Jurisdiction,
    /// What was seen, 0 to 400 bytes.
    pub note: String,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Sighting {
    fn check(&self) -> Result<(), FieldError> {
        text("note", &self.note, 0, 400)?;
        Ok(())
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
