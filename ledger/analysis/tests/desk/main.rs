//! The inspector's and the analyst's questions, against random histories replayed chip by chip, and
//! against cases told by hand.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test's panic is its report, helpers included"
)]

mod cases;
mod history;
mod naive;
mod samples;
