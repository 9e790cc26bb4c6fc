//! Time and peers.
