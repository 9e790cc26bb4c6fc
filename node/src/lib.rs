//! Time and peers.

pub mod api;
pub mod network;
