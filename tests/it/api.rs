//! The API as clients meet it: a real server in front of a ledger with one validator, asked by the
//! command line and by hand.

mod garbage;
mod parity;
mod server;
mod stream;
