//! Judgement from outside: one binary, one module per scenario.
#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

mod api;
mod crash;
mod tidy;
