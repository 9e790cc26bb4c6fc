//! `backup`: copies a ledger as it stands.

use std::path::PathBuf;

use chipledger_ledger::store::{Backup, Store};

use crate::error::Failure;
use crate::output::{Answer, Output};
use crate::session::DirectoryArgs;

/// Copies the ledger at its height into a new directory, with a listing of its files and digests.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// New directory for the backup.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    ledger: DirectoryArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let backup = Store::open(&self.ledger.ledger)?.backup(&self.dir)?;
        out.print(&answer(&backup))
    }
}

/// What a backup holds.
pub(super) fn answer(backup: &Backup) -> Answer {
    let bytes: u64 = backup.files.iter().map(|file| file.bytes).sum();
    Answer::default()
        .fact("genesis", "genesis", backup.genesis.to_string())
        .fact("height", "height", backup.height.0)
        .fact("block", "block", backup.block.to_string())
        .fact("files", "files", backup.files.len())
        .fact("bytes", "bytes", bytes)
}
