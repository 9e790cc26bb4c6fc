//! The world: a signed history of the world's accelerators, made from public facts.
//!
//! [`world::World`] turns the tables in `testnet/data` into a genesis document and a stream of
//! signed transactions; [`batch`] groups such a stream into blocks; [`load`] puts it into a ledger.
//!
//! What is fact and what is made up: which clusters exist, whose, where, since when and with how
//! many chips of which model is in the tables; everything between fab and rack (sites of fabs,
//! distributors, consignments, dates before the first day in operation, losses, late reports) is
//! generated from a seed. Keys are derived from the same seed: they are demonstration keys, and
//! whoever knows the seed has them.

pub mod batch;
pub mod bench;
pub mod load;
pub mod world;
