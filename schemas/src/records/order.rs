//! `order`: A buyer orders chips; what is shipped can be compared with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::ModelId;
use crate::ids::{DocumentId, MemberId, SiteId};
use crate::records::check::{Check, FieldError, at_most, sealed, unless};
use crate::sealed::Sealed;
use crate::time::Time;

/// A buyer orders chips; what is shipped can be compared with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The order; its member is the buyer.
    pub order: DocumentId,
    /// From whom.
    pub seller: MemberId,
    /// What and how many.
    pub lines: Vec<OrderLine>,
    /// Where to.
    pub to_site: SiteId,
    /// For the parties and authorities only.
    pub price: Option<Sealed>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// So many of one model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// The model.
    pub model: ModelId,
    /// How many chips.
    pub chips: u64,
}

impl Check for Order {
    fn check(&self) -> Result<(), FieldError> {
        unless(
            self.lines.is_empty(),
            "lines",
            "an order has at least one line",
        )?;
        at_most("lines", self.lines.len(), 100)?;
        unless(
            self.lines.iter().any(|line| line.chips == 0),
            "chips",
            "must be at least 1",
        )?;
        sealed("price", self.price.as_ref())?;
        Ok(())
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
