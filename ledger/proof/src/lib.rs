//! Checks proofs of the ledger without the ledger.

pub mod state;
