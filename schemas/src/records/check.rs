//! What every record kind answers about itself, and the small checks that kinds share.

use crate::items::ItemSet;
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

/// Text has `min` to `max` bytes and no control characters (it is shown on terminals).
pub(super) fn text(
    field: &'static str,
    text: &str,
    min: usize,
    max: usize,
) -> Result<(), FieldError> {
    let fits = (min..=max).contains(&text.len()) && !text.chars().any(char::is_control);
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
