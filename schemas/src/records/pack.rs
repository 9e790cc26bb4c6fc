//! `pack`: Puts items into units, the same number into each, in order; a unit that is new is
//! created.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, some_items, unless};
use crate::time::Time;
use crate::words::UnitKind;

/// Puts items into units, the same number into each, in order; a unit that is new is created.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The containers.
    pub units: ItemSet,
    /// What the containers are.
    pub unit_kind: UnitKind,
    /// What goes in, as many times the number of units as each takes.
    pub items: ItemSet,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Pack {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.units)?;
        some_items(&self.items)?;
        unless(
            !self.items.len().is_multiple_of(self.units.len()),
            "items",
            "must divide evenly among the units",
        )?;
        unless(
            self.units.first_common(&self.items).is_some(),
            "units",
            "a unit cannot be put into a unit by the record that fills it",
        )?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.units, &self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
