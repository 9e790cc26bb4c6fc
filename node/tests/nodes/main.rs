//! Real nodes on loopback: how they begin, what they keep, what they give to whom.
#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a story is told in one piece; a test's panic is its report, helpers included"
)]

mod follow;
mod pruning;
mod snapshots;
mod support;
