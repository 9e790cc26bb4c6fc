//! Loading a world into a ledger on disk, without a network.
//!
//! One thread makes, signs and checks transactions, the other executes and commits them, block by
//! block, in batches that follow from the world alone: the same seed gives the same blocks.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use chipledger_ledger::chain::Slot;
use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::certificate::{Certificate, CommitSignature, vote_preimage};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::keys::SecretKey;
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
    let certifier = Certifier::new(world, Store::create(directory, &genesis)?);
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

/// What did not get into a block, by its index in the batch.
#[derive(Debug)]
struct Left {
    rejected: Vec<(usize, Rejection)>,
    deferred: Vec<usize>,
}

/// Certifies with the demonstration keys of all of a world's validators, in one process: what a
/// network would come to, without the network.
#[derive(Debug)]
struct Certifier {
    store: Store,
    seats: Vec<(MemberId, SecretKey)>,
}

impl Certifier {
    fn new(world: &World, store: Store) -> Self {
        let cast = world.cast();
        let seat = |member: &MemberId| (member.clone(), cast.validator_key(member));
        Self {
            store,
            seats: cast.validators().map(seat).collect(),
        }
    }

    /// Commits a block, proposed by whose turn it is; what did not get into it is returned.
    fn commit(&self, batch: Vec<VerifiedTransaction>) -> Result<Left, StoreError> {
        let height = self.store.head().header.height.next();
        let turn = 0;
        let slot = Slot {
            proposer: self.seats[turn].0.clone(),
            round: 0,
            clock: Time::default(),
        };
        let mut proposal = self.store.decide(|ground| ground.propose(&slot, batch))?;
        let left = Left {
            rejected: std::mem::take(&mut proposal.rejected),
            deferred: std::mem::take(&mut proposal.deferred),
        };
        let (block, outcome) = proposal.into_block();
        let (genesis, hash) = (self.store.genesis_hash(), block.header.hash());
        let preimage = vote_preimage(&genesis, height, 0, &hash);
        let sign = |(member, key): &(MemberId, SecretKey)| CommitSignature {
            member: member.clone(),
            signature: key.sign(&preimage),
        };
        let certificate = Certificate {
            height,
            round: 0,
            block: hash,
            signatures: self.seats.iter().map(sign).collect(),
        };
        let block = CertifiedBlock { block, certificate };
        self.store.commit(&block, outcome)?;
        Ok(left)
    }
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
    let left = certifier.commit(batch)?;
    if let Some(first) = left.rejected.into_iter().next() {
        return Err(rejected(first));
    }
    if let Some(index) = left.deferred.first() {
        return Err(LoadError::DoesNotFit {
            number: first + *index as u64,
        });
    }
    progress.transactions += transactions;
    progress.item_events += item_events;
    progress.time = certifier.store.head().header.time;
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
