//! Blocks of the next height that are not decided: executed before they are voted for.
//!
//! A candidate is executed once, its outcome kept, and committed if it is decided. Blocks of the
//! height after wait unexecuted until this node gets there.

use std::collections::BTreeMap;
use std::sync::Arc;

use chipledger_ledger::chain::{BlockError, Outcome, Slot, check_clock};
use chipledger_ledger::store::{Store, StoreError};
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::block::Block;
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::ids::{BlockHash, Height};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;
use rayon::prelude::*;

use super::context::{AtHeight, PartInit, proposer_index};
use super::undecided::{Proposed, Undecided, UndecidedError};
use crate::mempool::Mempool;

/// Most blocks of the height after the next that wait.
const WAITING_MAX: usize = 8;

/// Fewer signatures than so many are checked one after the other: to wake other threads for them
/// costs more.
const TOGETHER_MIN: usize = 4;

/// Why a block is not voted for. Its proposer is faulty, or its clock or this node's is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It was proposed by a validator whose turn it was not, or says so of itself.
    #[error("{field} is not that of the proposer of height {height}, round {round}")]
    Proposer {
        /// What is wrong.
        field: &'static str,
        /// Its height.
        height: Height,
        /// Its round.
        round: u32,
    },
    /// A transaction of it is not even well formed and signed.
    #[error("transaction {index}: {rejection}")]
    Transaction {
        /// Which, from 0.
        index: usize,
        /// Why.
        rejection: chipledger_ledger::rejection::Rejection,
    },
    /// Its time is not within bounds of this node's clock.
    #[error(transparent)]
    Clock(#[from] chipledger_ledger::chain::ClockError),
    /// It does not follow, or executing it gives something else than its header says.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A failure that stops the node.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The ledger cannot be read or written. Follow its message, then start again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Undecided blocks cannot be kept. Follow its message, then start again.
    #[error(transparent)]
    Undecided(#[from] UndecidedError),
    /// The engine decided a block that this node does not have. Start again: the node syncs it.
    #[error("block {block} was decided at height {height}, and is not here; start again")]
    NotHere {
        /// The block.
        block: BlockHash,
        /// The height.
        height: Height,
    },
}

/// Where a block came from: who judges it, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A fresh proposal: its time is compared with this node's clock.
    Fresh,
    /// Kept on disk, proposed again, or synced: clocks have no say.
    Settled,
}

/// A block that may be decided.
#[derive(Debug)]
pub struct Candidate {
    /// The block with what its proposer signed.
    pub proposed: Proposed,
    /// What it does; absent if it is unfit.
    pub outcome: Option<Outcome>,
}

/// Blocks of the next height, and of the one after.
#[derive(Debug)]
pub struct Candidates {
    store: Store,
    mempool: Mempool,
    undecided: Undecided,
    known: BTreeMap<BlockHash, Candidate>,
    later: BTreeMap<BlockHash, Proposed>,
}

impl Candidates {
    /// The candidates that were kept on disk.
    pub fn new(store: Store, mempool: Mempool, undecided: Undecided) -> Self {
        Self {
            store,
            mempool,
            undecided,
            known: BTreeMap::new(),
            later: BTreeMap::new(),
        }
    }

    /// The height that is being decided.
    pub fn height(&self) -> Height {
        self.store.head().header.height.next()
    }

    /// Brings in what waits for this height: on disk, or arrived too early.
    pub fn start(&mut self) -> Result<(), Fatal> {
        let height = self.height();
        self.known
            .retain(|_, candidate| candidate.proposed.block.header.height == height);
        for proposed in self.undecided.of_height(height)? {
            self.consider(proposed, Source::Settled)?;
        }
        for (_, proposed) in std::mem::take(&mut self.later) {
            if proposed.block.header.height == height {
                self.consider(proposed, Source::Fresh)?;
            }
        }
        Ok(())
    }

    /// Executes a block of this height, keeps it on disk, and says whether it may be voted for; a
    /// block of the next height waits, and then the answer is none.
    pub fn consider(&mut self, proposed: Proposed, source: Source) -> Result<Option<bool>, Fatal> {
        let hash = proposed.init.block;
        let height = self.height();
        if let Some(known) = self.known.get(&hash)
            && known.outcome.is_some()
        {
            return Ok(Some(true));
        }
        if proposed.block.header.height == height.next() {
            if self.later.len() < WAITING_MAX {
                self.later.insert(hash, proposed);
            }
            return Ok(None);
        }
        match self.judge(&proposed.block, source) {
            Ok(outcome) => {
                self.undecided.keep(&proposed)?;
                let outcome = Some(outcome);
                self.known.insert(hash, Candidate { proposed, outcome });
                Ok(Some(true))
            }
            Err(Unfit::Block(BlockError::State(error))) => Err(StoreError::from(error).into()),
            Err(Unfit::Store(error)) => Err(error.into()),
            Err(unfit) => {
                let proposer = &proposed.block.header.proposer;
                tracing::warn!(%height, %proposer, "a proposed block is unfit: {unfit}");
                let outcome = None;
                self.known.insert(hash, Candidate { proposed, outcome });
                Ok(Some(false))
            }
        }
    }

    fn judge(&self, block: &Block, source: Source) -> Result<Outcome, Unfit> {
        let header = &block.header;
        let head = self.store.head();
        let validators = validators_of(&self.store, head.header.height.next())?;
        let turn = proposer_of(&validators, header.height, header.round);
        if turn.map(|seat| &seat.member) != Some(&header.proposer) {
            return Err(Unfit::Proposer {
                field: "the header's proposer",
                height: header.height,
                round: header.round,
            });
        }
        if source == Source::Fresh {
            let genesis = self.store.genesis();
            check_clock(genesis.clock, header, &head.header, now(), &genesis.bounds)?;
        }
        let verified = self.verify(block)?;
        Ok(self
            .store
            .decide(|ground| ground.execute(block, &verified))?)
    }

    /// Checks the transactions of a block; those that were checked when they came in, signatures
    /// included, are not checked again.
    fn verify(&self, block: &Block) -> Result<Vec<VerifiedTransaction>, Unfit> {
        let (genesis, bounds) = (self.store.genesis_hash(), self.store.genesis().bounds);
        let known: Vec<_> = (block.transactions.iter())
            .map(|transaction| {
                (
                    transaction,
                    self.mempool.verified(transaction, &transaction.id()),
                )
            })
            .collect();
        let check = |(index, (transaction, known)): (usize, &(&Transaction, Option<Arc<_>>))| {
            if let Some(known) = known {
                return Ok(VerifiedTransaction::clone(known));
            }
            VerifiedTransaction::verify((*transaction).clone(), &genesis, &bounds)
                .map_err(|rejection| Unfit::Transaction { index, rejection })
        };
        let new = known.iter().filter(|(_, known)| known.is_none()).count();
        if new < TOGETHER_MIN {
            return known.iter().enumerate().map(check).collect();
        }
        known.par_iter().enumerate().map(check).collect()
    }

    /// Builds a block of what waits; it becomes a candidate once its proposer has signed it.
    pub fn build(&mut self, slot: &Slot) -> Result<Block, Fatal> {
        let bounds = self.store.genesis().bounds;
        let selected = self
            .mempool
            .select(bounds.block_bytes_max, bounds.block_item_events_max);
        let ids: Vec<_> = selected
            .iter()
            .map(|transaction| transaction.id())
            .collect();
        let batch = selected
            .into_iter()
            .map(|transaction| {
                Arc::try_unwrap(transaction).unwrap_or_else(|shared| (*shared).clone())
            })
            .collect();
        let mut proposal = self
            .store
            .decide(|ground| ground.propose(slot, batch))
            .map_err(StoreError::from)?;
        for (index, rejection) in std::mem::take(&mut proposal.rejected) {
            if let Some(id) = ids.get(index) {
                self.mempool.rejected(id, rejection);
            }
        }
        // The proposer judges its block as every voter does, from the block alone: its outcome is
        // thrown away here.
        Ok(proposal.into_block().0)
    }

    /// A candidate by its hash.
    pub fn get(&self, block: &BlockHash) -> Option<&Candidate> {
        self.known.get(block)
    }

    /// The block that was built here for a round, if there is one.
    pub fn built(&self, init: impl Fn(&PartInit) -> bool) -> Option<&Candidate> {
        self.known
            .values()
            .find(|candidate| candidate.outcome.is_some() && init(&candidate.proposed.init))
    }

    /// All candidates of this height, fit or not.
    pub fn all(&self) -> impl Iterator<Item = &Candidate> {
        self.known.values()
    }

    /// Takes the decided block out; all others of its height are forgotten.
    pub fn decide(
        &mut self,
        block: &BlockHash,
        height: AtHeight,
    ) -> Result<(Proposed, Outcome), Fatal> {
        let not_here = || Fatal::NotHere {
            block: *block,
            height: height.height(),
        };
        let candidate = self.known.remove(block).ok_or_else(not_here)?;
        let outcome = match candidate.outcome {
            Some(outcome) => outcome,
            // A quorum found fit what this node did not: only a clock can be the reason, and
            // clocks have no say in a decided block.
            None => self
                .judge(&candidate.proposed.block, Source::Settled)
                .map_err(|_| not_here())?,
        };
        self.known.clear();
        Ok((candidate.proposed, outcome))
    }

    /// Forgets what is on disk of decided heights.
    pub fn decided(&self, height: Height) -> Result<(), Fatal> {
        Ok(self.undecided.decided(height)?)
    }
}

/// Whose turn it is to propose.
pub fn proposer_of(set: &ValidatorSet, height: Height, round: u32) -> Option<&ValidatorSeat> {
    set.0.get(proposer_index(set.0.len(), height, round))
}

/// Who votes at a height: any up to two after the last one.
pub fn validators_of(store: &Store, height: Height) -> Result<ValidatorSet, StoreError> {
    let known = store.validators_at(height)?;
    known.ok_or_else(|| StoreError::Damaged {
        what: format!("the validators of height {height} are not known"),
    })
}

/// The wall clock; the epoch if it is set before that.
pub fn now() -> Time {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(0))
}
