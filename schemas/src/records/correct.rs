//! `correct`: Undoes the latest movement of the items it names, and may put another in its place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RecordId;
use crate::items::ItemSet;
use crate::movement::Movement;
use crate::records::check::{Check, FieldError, some_items, text, unless};
use crate::records::nested::Nested;

/// Undoes the latest movement of the items it names, and may put another in its place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Correct {
    /// The items named.
    pub items: ItemSet,
    /// The movement that was wrong: the latest of every item named.
    pub record: RecordId,
    /// Earlier movements that the items' leaves no longer hold, one per item in order, for an item
    /// whose latest one was itself undone.
    pub carried: Vec<Movement>,
    /// What should have been said; a custody record of the same items.
    pub replacement: Option<Nested>,
    /// Why, 1 to 400 bytes.
    pub reason: String,
}

impl Check for Correct {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        text("reason", &self.reason, 1, 400)?;
        unless(
            self.carried.len() as u64 > self.items.len(),
            "carried",
            "carries more movements than items are named",
        )?;
        if let Some(record) = &self.replacement {
            unless(
                !record.kind().is_custody(),
                "replacement",
                "must be a custody record",
            )?;
            record.check()?;
        }
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }
}
