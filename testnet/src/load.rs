//! Loading a world into a ledger on disk: the only file here that knows the ledger's interface.
//!
//! One thread makes, signs and checks transactions, the other executes and commits them, block by
//! block, in batches that follow from the world alone: the same seed gives the same blocks.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::solo::{Certifier, NotTheValidator};
use chipledger_ledger::store::{Store, StoreError};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::time::Time;

use crate::batch::Batches;
use crate::world::World;

/// Blocks that may wait between the two threads.
const BLOCKS_WAITING_MAX: usize = 4;

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

/// Why a world was not loaded. Blocks that were committed stay; remove the directory and start
/// again.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The ledger cannot be made or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The world's own key does not certify its ledger: a bug of the generator.
    #[error(transparent)]
    Key(#[from] NotTheValidator),
    /// The ledger rejects a transaction of the world: a bug of the generator.
    #[error("transaction {number} of the world is rejected: {rejection}")]
    Rejected {
        /// Its number, from 0.
        number: u64,
        /// Why.
        #[source]
        rejection: Rejection,
    },
    /// A batch does not fit a block: a bug of the generator.
    #[error("transaction {number} of the world does not fit its block")]
    DoesNotFit {
        /// Its number, from 0.
        number: u64,
    },
}

/// Makes a ledger in `directory` from the world's genesis and commits its whole history to it,
/// block by block.
///
/// # Errors
/// [`LoadError`]; blocks that were committed stay.
pub fn load(
    world: &World,
    directory: &Path,
    mut report: impl FnMut(Progress),
) -> Result<Progress, LoadError> {
    let genesis = world.genesis();
    let certifier = Certifier::new(Store::create(directory, &genesis)?, world.validator_key())?;
    let (hash, bounds) = (genesis.hash(), genesis.bounds);
    let (sender, receiver) = sync_channel(BLOCKS_WAITING_MAX);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for batch in Batches::new(world.transactions(), &bounds) {
                let verify = |transaction| VerifiedTransaction::verify(transaction, &hash, &bounds);
                let verified: Vec<_> = batch.into_iter().map(verify).collect();
                if sender.send(verified).is_err() {
                    return;
                }
            }
        });
        let mut progress = Progress::default();
        for batch in receiver {
            commit(&certifier, batch, &mut progress)?;
            report(progress);
        }
        Ok(progress)
    })
}

fn commit(
    certifier: &Certifier,
    batch: Vec<Result<VerifiedTransaction, Rejection>>,
    progress: &mut Progress,
) -> Result<(), LoadError> {
    let first = progress.transactions;
    let rejected = |(index, rejection): (usize, Rejection)| LoadError::Rejected {
        number: first + index as u64,
        rejection,
    };
    let with_index = batch.into_iter().enumerate();
    let batch: Vec<_> = with_index
        .map(|(index, verified)| verified.map_err(|rejection| rejected((index, rejection))))
        .collect::<Result<_, _>>()?;
    let item_events: u64 = batch.iter().map(VerifiedTransaction::item_events).sum();
    let transactions = batch.len() as u64;
    let committed = certifier.commit(batch)?;
    if let Some(first) = committed.rejected.into_iter().next() {
        return Err(rejected(first));
    }
    if let Some(index) = committed.deferred.first() {
        return Err(LoadError::DoesNotFit {
            number: first + *index as u64,
        });
    }
    progress.transactions += transactions;
    progress.item_events += item_events;
    progress.time = certifier.store().head().header.time;
    Ok(())
}

/// Makes and signs the whole history in blocks' worth of transactions, and throws it away: how fast
/// the world itself is.
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
