//! Truth: what the ledger holds, decided by pure functions and written in one place.

pub mod answers;
pub mod audit;
mod authority;
pub mod chain;
pub mod commitment;
pub mod execute;
#[doc(hidden)]
pub mod fixture;
pub mod prove;
pub mod read;
pub mod rejection;
pub mod rulebook;
pub mod solo;
pub mod state;
pub mod store;
pub mod verify;
