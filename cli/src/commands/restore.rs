//! `restore`: a ledger from a backup.

use std::path::PathBuf;

use chipledger_ledger::store::{BackupError, restore};

use crate::error::{Class, Failure};
use crate::output::Output;
use crate::session::NoNode;

/// Restores a backup into a new directory, after checking every file against its listing.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The backup; nothing in it is changed.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// New directory for the ledger.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    _no_node: NoNode,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let backup = restore(&self.backup, &self.dir)?;
        out.print(&super::backup::answer(&backup))
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let failure = |class, hint: &str| Self::new(class, error.to_string(), hint);
        match error {
            BackupError::Exists { .. } => {
                failure(Class::Io, "Name a directory that does not exist yet.")
            }
            BackupError::NotABackup { .. } => failure(
                Class::NotFound,
                "Name the directory that `chipledger backup` made.",
            ),
            BackupError::Damaged { .. } => {
                failure(Class::Unproven, "Use another backup; nothing was restored.")
            }
            BackupError::Store(error) => error.into(),
        }
    }
}
