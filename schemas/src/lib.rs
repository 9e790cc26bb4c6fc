//! Placeholder.
pub mod catalogue;
pub mod classify;
pub mod jurisdiction;
