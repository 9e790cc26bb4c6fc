//! Time and peers.

pub mod network;
