//! The invariants that nobody sees because they are absences: who may depend on whom, what the
//! deterministic crates never touch, and what every file looks like. They are read from
//! `Cargo.toml` files, `cargo metadata` and source text, so that breaking one fails a test whose
//! message says what to do, instead of waiting for a reviewer.

mod arrows;
mod decisions;
mod determinism;
mod files;
mod licences;
mod monitoring;
mod planted;
mod rust_text;
mod workspace;
