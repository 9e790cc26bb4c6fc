//! Networks of real nodes, one process each, judged from outside: by their public API alone.
//!
//! The programs `chipledger-node` and `chipledger-traitor` of the same build are run.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test that cannot go on has failed"
)]

mod chaos;
mod evidence;
mod guard;
mod halt;
mod membership;
mod poison;
mod snapshot;
mod support;
