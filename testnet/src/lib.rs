//! The world: a signed history of the world's accelerators, made from public facts.
//!
//! [`world::World`] turns the tables in `testnet/data` into a genesis document and a stream of
//! signed transactions; [`batch`] groups such a stream into blocks; [`load`] puts it into a ledger,
//! [`feed`] through a network of real nodes.
//!
//! [`local`] runs n nodes on this machine; [`proxy`] is the weather between them; [`chaos`] lets
//! faults happen to them and [`checker`] judges what they publish; [`tour`] is a first walk through
//! a ledger.
//!
//! What is fact and what is made up: which clusters exist, whose, where, since when and with how
//! many chips of which model is in the tables; everything between fab and rack (sites of fabs,
//! distributors, consignments, dates before the first day in operation, losses, late reports) is
//! generated from a seed. Keys are derived from the same seed: they are demonstration keys, and
//! whoever knows the seed has them.
#![allow(
    clippy::result_large_err,
    clippy::unnecessary_wraps,
    reason = "errors of a program for tests, made once; steps of one list have one form"
)]

pub mod batch;
pub mod bench;
pub mod chaos;
pub mod checker;
pub mod client;
pub mod feed;
pub mod load;
pub mod local;
pub mod proxy;
pub mod scorecard;
pub mod tour;
pub mod world;
