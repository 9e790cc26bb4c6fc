//! The subcommands of the daemon: one file each.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::Config;

mod check_config;
mod genesis;
mod init;
mod peers;
mod reset_guard;
mod reset_wal;
#[doc(hidden)]
pub mod run;

/// Keeps a replica of the ledger: follows the other peers, and votes if it has a seat.
#[derive(clap::Parser, Debug)]
#[command(name = "chipledger-node", version, propagate_version = true)]
pub struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Init(init::Args),
    Run(run::Args),
    CheckConfig(check_config::Args),
    Genesis(genesis::Args),
    Peers(peers::Args),
    ResetWal(reset_wal::Args),
    ResetGuard(reset_guard::Args),
}

/// Which configuration.
#[derive(clap::Args, Clone, Debug)]
struct ConfigArgs {
    /// Configuration file.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "node.toml",
        env = "CHIPLEDGER_NODE_CONFIG"
    )]
    config: PathBuf,
}

impl ConfigArgs {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config)?)
    }
}

impl Program {
    /// Runs the subcommand. The exit code is 0, 1 for a failure, 2 for wrong arguments, 3 for a
    /// node that does not start or stopped by itself.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Init(args) => args.run(),
            Command::Run(args) => args.run(),
            Command::CheckConfig(args) => args.run(),
            Command::Genesis(args) => args.run(),
            Command::Peers(args) => args.run(),
            Command::ResetWal(args) => args.run(),
            Command::ResetGuard(args) => args.run(),
        }
    }
}
