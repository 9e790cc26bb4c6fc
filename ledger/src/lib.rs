//! Truth: what the ledger holds, decided by pure functions and written in one place.

pub mod authority;
pub mod commitment;
pub mod execute;
pub mod rejection;
pub mod state;
pub mod verify;
