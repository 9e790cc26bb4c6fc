//! What every record kind answers about itself, and the small checks that kinds share.

use crate::items::ItemSet;
use crate::sealed::Sealed;
use crate::time::Time;

/// A field is out of bounds. Correct that field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {reason}")]
pub struct FieldError {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// What a kind says of itself without the ledger.
pub trait Check {
    /// Bounds and order of its fields.
    fn check(&self) -> Result<(), FieldError>;

    /// The item sets that it names.
    fn items(&self) -> Vec<&ItemSet> {
        Vec::new()
    }

    /// When it happened.
    fn occurred_at(&self) -> Option<Time> {
        None
    }
}

pub(super) fn unless(wrong: bool, field: &'static str, reason: &str) -> Result<(), FieldError> {
    if wrong {
        return Err(FieldError {
            field,
            reason: reason.to_owned(),
        });
    }
    Ok(())
}

/// Characters that change how others are shown: controls, and the marks that reorder a line (a note
/// must read on a terminal as it was signed).
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text has `min` to `max` bytes and no control characters.
pub(super) fn text(
    field: &'static str,
    text: &str,
    min: usize,
    max: usize,
) -> Result<(), FieldError> {
    let fits = (min..=max).contains(&text.len()) && !text.chars().any(misleads);
    unless(
        !fits,
        field,
        &format!("must have {min} to {max} bytes and no control characters"),
    )
}

pub(super) fn at_most(field: &'static str, got: usize, max: usize) -> Result<(), FieldError> {
    unless(
        got > max,
        field,
        &format!("has {got} entries, at most {max} are allowed"),
    )
}

pub(super) fn some_items(items: &ItemSet) -> Result<(), FieldError> {
    unless(items.is_empty(), "items", "names no item")
}

/// A sealed field, if there is one, has 1 to 32 recipients in order and texts of bounded length.
pub(super) fn sealed(field: &'static str, sealed: Option<&Sealed>) -> Result<(), FieldError> {
    unless(
        sealed.is_some_and(|sealed| !sealed.is_well_formed()),
        field,
        "must be sealed to 1 to 32 recipients, sorted by member, at most 2,048 bytes of text each",
    )
}
