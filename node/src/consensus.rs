//! Agreement with the other validators.
//!
//! Only this module and `network` name the engine's types. The engine orders and decides; what a
//! block is, whether it may be voted for and what it does is the ledger's, asked by [`app::App`].

pub mod app;
pub mod candidates;
pub mod codec;
pub mod context;
pub mod engine;
pub mod evidence;
pub mod pace;
pub mod parts;
pub mod progress;
pub mod signing;
pub mod undecided;
pub mod witness;
