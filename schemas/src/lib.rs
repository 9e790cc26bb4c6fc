//! Placeholder.
pub mod catalogue;
pub mod jurisdiction;
