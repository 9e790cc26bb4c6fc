//! One subcommand each: arguments, and what it prints.

pub(crate) mod bench;
pub(crate) mod chaos;
pub(crate) mod load;
pub(crate) mod scorecard;
pub(crate) mod up;
