//! Questions over the read model, and detection rules: pure functions of a ledger at a height, never
//! part of its state. A crate of its own, so that neither verifiers nor votes depend on it.

pub mod rules;
