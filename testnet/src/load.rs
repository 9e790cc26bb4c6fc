//! Loading a world into a ledger on disk: the only file here that knows the ledger's interface.

use std::path::Path;

use chipledger_schemas::time::Time;

use crate::batch::Batches;
use crate::world::World;

/// How far a load has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Transactions committed.
    pub transactions: u64,
    /// Item-events committed.
    pub item_events: u64,
    /// Block time of the last block.
    pub time: Time,
}

/// Why a world was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// This build cannot write a ledger yet. Leave `--ledger` out to make and sign the world.
    #[error("this build cannot write a ledger yet; leave --ledger out")]
    NoLedger,
}

/// Makes a ledger in `directory` from the world's genesis and commits its whole history to it, block by block.
///
/// # Errors
/// [`LoadError`]; blocks that were committed stay.
pub fn load(
    _world: &World,
    _directory: &Path,
    _report: impl FnMut(Progress),
) -> Result<Progress, LoadError> {
    Err(LoadError::NoLedger)
}

/// Makes and signs the whole history in blocks' worth of transactions, and throws it away: how fast the world
/// itself is.
pub fn sign_only(world: &World, mut report: impl FnMut(Progress)) -> Progress {
    let mut progress = Progress::default();
    for batch in Batches::new(world.transactions(), &world.genesis().bounds) {
        for transaction in &batch {
            progress.transactions += 1;
            progress.item_events += transaction.item_events();
            progress.time = transaction.body.signed_at;
        }
        report(progress);
    }
    progress
}
