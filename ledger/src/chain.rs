//! The chain: which block may follow, what it does, and the header that says so.
//!
//! A proposer and a voter run the same function; a block holds only transactions that apply, and
//! its header carries the roots that result.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chipledger_proof::state::{Chain, Entry, Key};
use chipledger_proof::{Peaks, list_root};
use chipledger_schemas::block::{Block, HEADER_VERSION, Header};
use chipledger_schemas::genesis::{Clock, Genesis};
use chipledger_schemas::hash::{ENTRY_KEY, Hash};
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, MemberId};
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use crate::commitment::{BucketReader, Commitment, Plan};
use crate::execute;
use crate::rejection::{Code, Fault, Rejection};
use crate::state::{Changes, Draft, Page, State, StateError, page_of};
use crate::verify::VerifiedTransaction;

mod clock;
mod sabotage;

pub use clock::{ClockError, PROPOSAL_AGE_MS_MAX, check_clock};
pub use sabotage::Sabotage;

/// Where the chain stands: all that the next header needs to know of the past.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The last header.
    pub header: Header,
    /// Edge of the tree over all header hashes so far, the last one included.
    pub history: Peaks,
}

impl Head {
    /// Hash of the last header.
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }
}

/// What a block does, decided and not yet written.
#[derive(Debug)]
pub struct Outcome {
    /// The header.
    pub header: Header,
    /// The chain afterwards.
    pub head: Head,
    /// Nodes of the history tree that became complete.
    pub history_nodes: Vec<chipledger_proof::HistoryNode>,
    /// What changed.
    pub changes: Changes,
    /// Bytes of entries that changed, in the order of `changes.entries`; none where one is
    /// removed.
    pub entry_rows: Vec<EntryRow>,
    /// Pages that changed, whole, in order.
    pub pages: Vec<(u64, Page)>,
    /// What it does to the commitment.
    pub plan: Plan,
}

/// An entry that changed, in canonical bytes.
#[derive(Debug)]
pub struct EntryRow {
    /// Its key.
    pub key: Vec<u8>,
    /// The entry; absent when it is removed.
    pub entry: Option<Vec<u8>>,
}

/// A block that this node would propose.
#[derive(Debug)]
pub struct Proposal {
    /// The transactions that apply, in order.
    pub transactions: Vec<VerifiedTransaction>,
    /// What they do.
    pub outcome: Outcome,
    /// Transactions that the rules say no to, by their index among the candidates.
    pub rejected: Vec<(usize, Rejection)>,
    /// Candidates that did not fit any more; propose them again.
    pub deferred: Vec<usize>,
}

impl Proposal {
    /// The block, and what it does: nothing is executed again to commit it.
    pub fn into_block(self) -> (Block, Outcome) {
        let transactions = self.transactions.into_iter();
        let block = Block {
            header: self.outcome.header.clone(),
            transactions: transactions
                .map(VerifiedTransaction::into_transaction)
                .collect(),
        };
        (block, self.outcome)
    }
}

/// Why a block is refused. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The block is not the next one. Ask a peer for the missing heights, then retry.
    #[error("block {got} does not follow height {head}")]
    NotNext {
        /// Its height.
        got: Height,
        /// Height of the last block.
        head: Height,
    },
    /// A field of the header is not what executing the block gives. Its proposer is faulty: ask
    /// another peer.
    #[error("the header's {field} is wrong at height {height}")]
    Header {
        /// The block's height.
        height: Height,
        /// The first field that is wrong.
        field: &'static str,
    },
    /// A transaction does not apply. Its proposer is faulty: ask another peer.
    #[error("transaction {index} of block {height} does not apply: {rejection}")]
    Rejected {
        /// The block's height.
        height: Height,
        /// The transaction, from 0.
        index: usize,
        /// Why.
        #[source]
        rejection: Rejection,
    },
    /// The block is over the ledger's bounds. Its proposer is faulty: ask another peer.
    #[error("block {height} exceeds the bound on {what}")]
    OverBound {
        /// The block's height.
        height: Height,
        /// On what.
        what: &'static str,
    },
    /// The certificate proves nothing. Ask another peer.
    #[error("certificate of block {height}: {source}")]
    Certificate {
        /// The block's height.
        height: Height,
        /// Why.
        #[source]
        source: chipledger_schemas::certificate::CertificateError,
    },
    /// The state cannot be read: stop.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Everything that deciding a block reads.
pub struct Ground<'a, S> {
    /// Committed state.
    pub state: &'a S,
    /// Its commitment.
    pub commitment: &'a Commitment,
    /// The chain so far; absent before the genesis block.
    pub head: Option<&'a Head>,
    /// The ledger.
    pub genesis: GenesisHash,
    /// How this replica is broken, in a test of what then happens.
    #[doc(hidden)]
    pub sabotage: Option<&'a Sabotage>,
}

/// Who proposes, when.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The proposer.
    pub proposer: MemberId,
    /// Round of consensus.
    pub round: u32,
    /// The proposer's clock; not looked at under `replay`.
    pub clock: Time,
}

impl<S: State + BucketReader> Ground<'_, S> {
    /// Decides the genesis block.
    ///
    /// # Errors
    /// When the genesis document contradicts itself.
    pub fn genesis(&self, genesis: &Genesis) -> Result<Outcome, BlockError> {
        let changes = execute::genesis::genesis_changes(genesis).map_err(|fault| match fault {
            Fault::Rejected(rejection) => BlockError::Rejected {
                height: Height(0),
                index: 0,
                rejection,
            },
            Fault::Fatal(error) => BlockError::State(error),
        })?;
        let seat = &genesis.validators.0[0];
        let slot = Slot {
            proposer: seat.member.clone(),
            round: 0,
            clock: genesis.time,
        };
        self.seal(Height(0), genesis.time, &slot, &[], changes, Vec::new())
    }

    /// Builds the next block from candidates, in their order: those that apply and fit.
    ///
    /// # Errors
    /// Only when the state cannot be read.
    pub fn propose(
        &self,
        slot: &Slot,
        candidates: Vec<VerifiedTransaction>,
    ) -> Result<Proposal, BlockError> {
        let head = self.head.expect("a chain begins with its genesis block");
        let height = head.header.height.next();
        let chain = self.chain()?;
        let mut rejected = Vec::new();
        let mut deferred = Vec::new();
        let mut included: Vec<(usize, VerifiedTransaction)> = Vec::new();
        let (mut bytes, mut item_events) = (0_u64, 0_u64);
        for (index, candidate) in candidates.into_iter().enumerate() {
            let fits = bytes + candidate.bytes() <= chain.bounds.block_bytes_max
                && item_events + candidate.item_events() <= chain.bounds.block_item_events_max;
            if !fits {
                deferred.push(index);
                continue;
            }
            bytes += candidate.bytes();
            item_events += candidate.item_events();
            included.push((index, candidate));
        }
        loop {
            let time = block_time(&chain, head, slot, included.iter().map(|(_, tx)| tx));
            let mut draft = Draft::new(self.state, height, time);
            begin(&mut draft)?;
            let before = included.len();
            let mut kept = Vec::with_capacity(before);
            for (index, candidate) in included {
                match self.run(&mut draft, kept.len(), &candidate)? {
                    Ok(()) => kept.push((index, candidate)),
                    Err(rejection) => rejected.push((index, rejection)),
                }
            }
            included = kept;
            // Under `replay` block time is the highest `signed_at` included: without the rejected
            // ones it may be lower, and then what is left is executed again.
            let settled = block_time(&chain, head, slot, included.iter().map(|(_, tx)| tx)) == time;
            if settled {
                let transactions: Vec<_> = included.into_iter().map(|(_, tx)| tx).collect();
                self.end(&mut draft, slot);
                let pages = pages_of(&draft)?;
                let changes = draft.into_changes();
                let outcome = self.seal(height, time, slot, &transactions, changes, pages)?;
                return Ok(Proposal {
                    transactions,
                    outcome,
                    rejected,
                    deferred,
                });
            }
        }
    }

    /// Executes a block that somebody else proposed, and compares every field of its header.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn execute(
        &self,
        block: &Block,
        verified: &[VerifiedTransaction],
    ) -> Result<Outcome, BlockError> {
        let head = self.head.expect("a chain begins with its genesis block");
        let height = head.header.height.next();
        let header = &block.header;
        if header.height != height {
            return Err(BlockError::NotNext {
                got: header.height,
                head: head.header.height,
            });
        }
        let chain = self.chain()?;
        check_bounds(&chain, height, verified)?;
        let slot = Slot {
            proposer: header.proposer.clone(),
            round: header.round,
            clock: header.time,
        };
        let time = block_time(&chain, head, &slot, verified.iter());
        let mut draft = Draft::new(self.state, height, time);
        begin(&mut draft)?;
        for (index, transaction) in verified.iter().enumerate() {
            let done = self.run(&mut draft, index, transaction)?;
            done.map_err(|rejection| BlockError::Rejected {
                height,
                index,
                rejection,
            })?;
        }
        self.end(&mut draft, &slot);
        let pages = pages_of(&draft)?;
        let outcome = self.seal(height, time, &slot, verified, draft.into_changes(), pages)?;
        compare(header, &outcome.header)?;
        Ok(outcome)
    }

    /// Runs one transaction. A panic in a rule quarantines the transaction: it is rejected, and
    /// nothing of it stays.
    fn run(
        &self,
        draft: &mut Draft<'_, S>,
        index: usize,
        verified: &VerifiedTransaction,
    ) -> Result<Result<(), Rejection>, BlockError> {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let done = catch_unwind(AssertUnwindSafe(|| {
            if let Some(sabotage) = self.sabotage {
                sabotage.before(draft, verified);
            }
            execute::transaction(draft, number, verified)
        }));
        match done {
            Ok(Ok(())) => Ok(Ok(())),
            Ok(Err(Fault::Rejected(rejection))) => Ok(Err(rejection)),
            Ok(Err(Fault::Fatal(error))) => Err(error.into()),
            Err(_) => {
                draft.drop_transaction();
                let detail = format!("transaction {} was set aside", verified.id());
                Ok(Err(Rejection::new(Code::ExecutionFailed, detail)))
            }
        }
    }

    /// Ends a block whose transactions have all run.
    fn end(&self, draft: &mut Draft<'_, S>, slot: &Slot) {
        if let Some(sabotage) = self.sabotage {
            sabotage.after(draft, &slot.proposer);
        }
        draft.end();
    }

    fn chain(&self) -> Result<Chain, BlockError> {
        match self.state.entry(&Key::Chain)?.as_deref() {
            Some(Entry::Chain(chain)) => Ok(chain.clone()),
            _ => Err(StateError {
                reason: "the chain entry is missing".to_owned(),
            }
            .into()),
        }
    }

    /// Computes the roots and the header.
    fn seal(
        &self,
        height: Height,
        time: Time,
        slot: &Slot,
        transactions: &[VerifiedTransaction],
        changes: Changes,
        pages: Vec<(u64, Page)>,
    ) -> Result<Outcome, BlockError> {
        let roots: Vec<_> = pages
            .iter()
            .map(|(number, page)| (*number, chipledger_proof::page_root(page.digests())))
            .collect();
        let (entry_rows, entries) = entry_rows(&changes);
        let plan = self
            .commitment
            .plan(self.state, changes.item_count, &roots, &entries)
            .map_err(|error| StateError {
                reason: error.to_string(),
            })?;
        let chain = match changes.entries.get(&Key::Chain).and_then(Option::as_deref) {
            Some(Entry::Chain(chain)) => chain.clone(),
            _ => self.chain()?,
        };
        let digests: Vec<Hash> = transactions
            .iter()
            .map(VerifiedTransaction::digest)
            .collect();
        let mut history = self
            .head
            .map(|head| head.history.clone())
            .unwrap_or_default();
        let header = Header {
            version: HEADER_VERSION,
            genesis: self.genesis,
            height,
            round: slot.round,
            time,
            parent: self.head.map(Head::hash).unwrap_or_default(),
            proposer: slot.proposer.clone(),
            transactions_root: list_root(&digests),
            state_root: plan.state_root,
            history_root: history.root(),
            validators: chain.validators.digest(),
            next_validators: chain.next_validators.digest(),
            protocol: chain.protocol,
        };
        let history_nodes = history.append(&header.hash().0);
        let head = Head {
            header: header.clone(),
            history,
        };
        Ok(Outcome {
            header,
            head,
            history_nodes,
            changes,
            entry_rows,
            pages,
            plan,
        })
    }
}

/// Entries that changed: in canonical bytes, and as digests, ascending, for the commitment.
fn entry_rows(changes: &Changes) -> (Vec<EntryRow>, Vec<(Hash, Option<Hash>)>) {
    let mut rows = Vec::with_capacity(changes.entries.len());
    let mut digests = Vec::with_capacity(changes.entries.len());
    for (key, entry) in &changes.entries {
        let key = key.bytes();
        let bytes = entry.as_ref().map(|entry| entry.bytes());
        let value = entry.as_ref().zip(bytes.as_ref());
        let value = value.map(|(entry, bytes)| entry.digest_with(bytes));
        digests.push((ENTRY_KEY.hash(&key), value));
        rows.push(EntryRow { key, entry: bytes });
    }
    digests.sort_unstable();
    (rows, digests)
}

/// Pages that the draft touched, with what it left alone of them.
fn pages_of<S: State>(draft: &Draft<'_, S>) -> Result<Vec<(u64, Page)>, BlockError> {
    let changed = draft.changed_items();
    let mut pages = Vec::new();
    for items in changed.chunk_by(|a, b| page_of(a.0).0 == page_of(b.0).0) {
        let (index, _) = page_of(items[0].0);
        let placed = items
            .iter()
            .map(|(number, item)| (page_of(*number).1, &**item));
        pages.push((index, draft.committed_page(index)?.with(placed)));
    }
    Ok(pages)
}

fn begin<S: State>(draft: &mut Draft<'_, S>) -> Result<(), BlockError> {
    let chain = draft.get::<Chain>(&Key::Chain).map_err(fatal)?;
    let mut chain = chain.ok_or_else(|| StateError {
        reason: "the chain entry is missing".into(),
    })?;
    execute::begin(draft, &mut chain).map_err(fatal)
}

fn fatal(fault: Fault) -> BlockError {
    match fault {
        Fault::Fatal(error) => BlockError::State(error),
        Fault::Rejected(rejection) => StateError {
            reason: rejection.to_string(),
        }
        .into(),
    }
}

/// Block time: under `replay` the highest `signed_at` so far; else the proposer's clock, after the
/// parent.
fn block_time<'t>(
    chain: &Chain,
    head: &Head,
    slot: &Slot,
    transactions: impl Iterator<Item = &'t VerifiedTransaction>,
) -> Time {
    let parent = head.header.time;
    match chain.clock {
        Clock::Wall => slot.clock.max(Time(parent.0 + 1)),
        Clock::Replay => transactions
            .map(|tx| tx.transaction().body.signed_at)
            .fold(parent, Time::max),
    }
}

fn check_bounds(
    chain: &Chain,
    height: Height,
    verified: &[VerifiedTransaction],
) -> Result<(), BlockError> {
    let sum = |of: fn(&VerifiedTransaction) -> u64| {
        verified
            .iter()
            .fold(0_u64, |sum, tx| sum.saturating_add(of(tx)))
    };
    if sum(VerifiedTransaction::bytes) > chain.bounds.block_bytes_max {
        return Err(BlockError::OverBound {
            height,
            what: "bytes",
        });
    }
    if sum(VerifiedTransaction::item_events) > chain.bounds.block_item_events_max {
        return Err(BlockError::OverBound {
            height,
            what: "item-events",
        });
    }
    Ok(())
}

fn compare(got: &Header, expected: &Header) -> Result<(), BlockError> {
    let same = [
        (got.version == expected.version, "version"),
        (got.genesis == expected.genesis, "genesis"),
        (got.time == expected.time, "time"),
        (got.parent == expected.parent, "parent"),
        (
            got.transactions_root == expected.transactions_root,
            "transactions root",
        ),
        (got.history_root == expected.history_root, "history root"),
        (got.validators == expected.validators, "validators"),
        (
            got.next_validators == expected.next_validators,
            "next validators",
        ),
        (got.protocol == expected.protocol, "protocol"),
        (got.state_root == expected.state_root, "state root"),
        (got == expected, "form"),
    ];
    let height = expected.height;
    match same.into_iter().find(|(same, _)| !same) {
        Some((_, field)) => Err(BlockError::Header { height, field }),
        None => Ok(()),
    }
}
