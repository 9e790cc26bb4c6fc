//! Questions over the read model, and detection rules: pure functions of a ledger at a height, never
//! part of its state. A crate of its own, so that neither verifiers nor votes depend on it.

pub mod accountancy;
pub mod ask;
pub mod changes;
pub mod coverage;
pub mod distance;
pub mod ever_at;
pub mod headroom;
pub mod hypergeometric;
pub mod journeys;
pub mod plan;
pub mod pools;
pub mod sample;
pub mod thresholds;
