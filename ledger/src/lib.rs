//! Truth: what the ledger holds, decided by pure functions and written in one place.

pub mod audit;
mod authority;
pub mod commitment;
pub mod execute;
#[doc(hidden)]
pub mod fixture;
pub mod rejection;
pub mod state;
pub mod verify;
