//! Time and peers: the only crate with an async runtime, sockets and the consensus engine.

pub mod api;
pub mod commands;
pub mod config;
pub mod consensus;
pub mod desk;
pub mod evidence;
pub mod follow;
pub mod gossip;
pub mod guard;
pub mod keys;
pub mod lock;
pub mod membership;
pub mod mempool;
pub mod metrics;
pub mod network;
pub mod node;
pub mod pruning;
pub mod serve;
pub mod snapshots;
pub mod status;
