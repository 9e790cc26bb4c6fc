//! `reset-wal`: moves a damaged write-ahead log of the engine away.

use std::process::ExitCode;

use anyhow::Context as _;

use super::ConfigArgs;
use crate::config::Config;
use crate::lock::DirLock;

/// Moves the engine's write-ahead log away, when the node says that it is damaged. Safe as long as
/// the guard is kept: the guard, not this log, keeps the key from signing against itself.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.load()?;
        let _lock = DirLock::take(&config.data)?;
        if let Some(validator) = &config.validator {
            let guard = Config::guard_path(validator);
            anyhow::ensure!(
                guard.exists(),
                "the guard {} is missing too; restore it, or run reset-guard after reading docs/operations.md",
                guard.display()
            );
        }
        let wal = config.wal_path();
        if !wal.exists() {
            println!("there is no write-ahead log at {}", wal.display());
            return Ok(ExitCode::SUCCESS);
        }
        let seconds = crate::consensus::candidates::now().0 / 1_000;
        let away = wal.with_extension(format!("wal.{seconds}"));
        std::fs::rename(&wal, &away).with_context(|| format!("cannot move {}", wal.display()))?;
        println!("moved {} to {}", wal.display(), away.display());
        Ok(ExitCode::SUCCESS)
    }
}
