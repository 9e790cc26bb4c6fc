//! Real nodes on loopback: how they begin, what they keep, what they give to whom.
#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

mod follow;
mod pruning;
mod snapshots;
mod support;
