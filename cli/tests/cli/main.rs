//! The real program, run as people run it.

mod bad_input;
mod bench;
mod files;
mod help;
mod journey;
