//! `chipledger-node`: the daemon that keeps a replica of the ledger.

use clap::Parser;

fn main() -> anyhow::Result<std::process::ExitCode> {
    chipledger_node::commands::Program::parse().run()
}
