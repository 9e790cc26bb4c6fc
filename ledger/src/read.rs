//! The read model: rows derived from each block, written in the same batch, and pure queries over
//! them.
//!
//! Every answer states the height it answers for. What is asked "as of" is looked up in movements
//! and postings, which are only ever added to: a late report or a correction changes what is known
//! from its block on, and nothing before.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chipledger_proof::state::{Account, EntryKind};
use chipledger_schemas::api::Basis;
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::{NotATime, Time};
use rocksdb::{ColumnFamily, WriteBatch};

use crate::chain::Outcome;
use crate::state::StateError;
use crate::store::{StoreError, View, columns};

pub mod balances;
pub(crate) mod base;
pub mod concentration;
pub mod equivocations;
pub mod items;
pub mod movements;
pub mod own;
pub mod peers;
pub mod places;
pub mod postings;
pub mod shipments;
pub mod trace;
pub mod transactions;
pub mod versions;
pub(crate) mod ways;

pub use peers::{Peer, PeerView, peers};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The item is not registered, or was not yet. Check the id.
    #[error("{id} is not registered")]
    ItemUnknown {
        /// The id asked for.
        id: String,
    },
    /// The ledger has no such height yet. Ask for a lower one.
    #[error("height {asked} is above the last one, {head}")]
    BeyondHead {
        /// Asked for.
        asked: Height,
        /// The last.
        head: Height,
    },
    /// The time lies before the ledger began. Ask for a later one.
    #[error("{asked} lies before the ledger began, {began}")]
    BeforeGenesis {
        /// Asked for.
        asked: Time,
        /// Time of height 0.
        began: Time,
    },
    /// This node does not hold that part of history. Ask for a later time or height, or a node that
    /// holds all of it.
    #[error("this node holds no history before height {first}")]
    BeforeHistory {
        /// The first height whose block is held.
        first: Height,
    },
    /// The store cannot be read: stop.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be read: stop.
    #[error(transparent)]
    State(#[from] StateError),
}

/// When a fact was known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// By a height.
    Height(Height),
    /// By a block time.
    Time(Time),
}

/// The text names neither a time nor a height. Write one of them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotKnown {
    /// Digits, but more than a height has.
    #[error("{got} is no height")]
    Height {
        /// What was given.
        got: String,
    },
    /// Neither digits nor an instant.
    #[error("{0}, or a height")]
    Time(#[from] NotATime),
}

impl FromStr for Known {
    type Err = NotKnown;
    fn from_str(text: &str) -> Result<Self, NotKnown> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let got = || text.to_owned();
            let height = text.parse().map_err(|_| NotKnown::Height { got: got() })?;
            return Ok(Self::Height(Height(height)));
        }
        Ok(text.parse().map(Self::Time)?)
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Height(height) => height.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// The two times of a question: when it was so, and when the ledger knew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AsOf {
    /// Event time; now, if absent.
    pub at: Option<Time>,
    /// Ledger time; the last height, if absent.
    pub known_at: Option<Known>,
}

impl AsOf {
    /// Whether the present is asked for.
    pub fn is_now(&self) -> bool {
        self.at.is_none() && self.known_at.is_none()
    }

    /// On what an answer about accounts or whereabouts rests: the present is committed.
    pub fn basis(&self) -> Basis {
        if self.is_now() {
            Basis::Committed
        } else {
            Basis::Derived
        }
    }
}

/// The two times of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    /// Event time up to which facts count; all, if absent.
    pub at: Option<Time>,
    /// Height up to which records count.
    pub known: Height,
    /// Time of that height.
    pub known_time: Time,
}

impl Moment {
    /// Whether an event counts.
    pub fn includes(&self, occurred_at: Time) -> bool {
        self.at.is_none_or(|at| occurred_at <= at)
    }
}

impl View<'_> {
    /// The moment that a question is about.
    pub fn moment(&self, as_of: AsOf) -> Result<Moment, QueryError> {
        let head = self.head()?.header;
        let known = match as_of.known_at {
            None => head.height,
            Some(Known::Height(asked)) if asked > head.height => {
                return Err(QueryError::BeyondHead {
                    asked,
                    head: head.height,
                });
            }
            Some(Known::Height(height)) => height,
            Some(Known::Time(asked)) => self.height_by(asked, head.height)?,
        };
        self.check_held(known, as_of.at)?;
        let header = self.header(known)?.map(|(header, _)| header);
        Ok(Moment {
            at: as_of.at,
            known,
            known_time: header.map_or(head.time, |h| h.time),
        })
    }

    /// Refuses a question about what was before the first block held. What stood then is known as
    /// of one moment only, and events may lie a little after their block.
    fn check_held(&self, known: Height, at: Option<Time>) -> Result<(), QueryError> {
        let first = self.first_height()?;
        let Some(base) = first.0.checked_sub(1).map(Height) else {
            return Ok(());
        };
        let before = Err(QueryError::BeforeHistory { first });
        if known < base {
            return before;
        }
        let (header, _) = self.header(base)?.ok_or_else(|| StoreError::Damaged {
            what: format!("the header of height {base} is missing"),
        })?;
        let settled = header.time.plus_ms(self.chain()?.bounds.future_ms_max);
        match at {
            Some(at) if at < settled => before,
            _ => Ok(()),
        }
    }

    /// The last height whose block time is not after `time`.
    fn height_by(&self, time: Time, head: Height) -> Result<Height, QueryError> {
        let block_time = |height| -> Result<Time, QueryError> {
            Ok(self
                .header(Height(height))?
                .map_or(Time::END, |(header, _)| header.time))
        };
        let first = self.first_height()?;
        let base = first.0.saturating_sub(1);
        let began = block_time(base)?;
        if time < began {
            return Err(match first {
                Height(0) => QueryError::BeforeGenesis { asked: time, began },
                _ => QueryError::BeforeHistory { first },
            });
        }
        let (mut low, mut high) = (base, head.0);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if block_time(middle)? <= time {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(Height(low))
    }
}

/// What the read model keeps in memory to write its rows.
#[derive(Default, Debug)]
pub(crate) struct ReadModel {
    /// Numbers of accounts, from 1.
    accounts: BTreeMap<Account, u32>,
}

impl ReadModel {
    pub(crate) fn load(view: &View<'_>) -> Result<Self, StoreError> {
        let mut accounts = BTreeMap::new();
        view.scan(columns::ACCOUNTS, &[], |key, row| {
            let number = u32::from_be_bytes(key.try_into().unwrap_or_default());
            let account = decode_stored(row).map_err(|_| StateError {
                reason: "a row of accounts is damaged; run audit".to_owned(),
            })?;
            accounts.insert(account, number);
            Ok(true)
        })?;
        Ok(Self { accounts })
    }

    /// Puts a block's rows into its batch.
    pub(crate) fn put<'c>(
        &mut self,
        batch: &mut WriteBatch,
        column: impl Fn(&'static str) -> &'c ColumnFamily,
        block: &CertifiedBlock,
        outcome: &Outcome,
    ) {
        let height = outcome.header.height;
        transactions::put(batch, column(columns::TRANSACTIONS), block);
        movements::put(
            batch,
            column(columns::MOVEMENTS),
            height,
            &outcome.changes.item_changes,
        );
        let accounts = column(columns::ACCOUNTS);
        let mut number = |account: &Account, batch: &mut WriteBatch| {
            if let Some(number) = self.accounts.get(account) {
                return *number;
            }
            let number = u32::try_from(self.accounts.len()).map_or(u32::MAX, |n| n + 1);
            batch.put_cf(accounts, number.to_be_bytes(), encode(account));
            self.accounts.insert(account.clone(), number);
            number
        };
        let postings = column(columns::POSTINGS);
        postings::put(
            batch,
            postings,
            height,
            &outcome.changes.postings,
            &mut number,
        );
        ways::put(
            batch,
            column(columns::VERSIONS),
            height,
            &outcome.changes.ways,
        );
        for (key, entry) in &outcome.changes.entries {
            if matches!(key.kind(), EntryKind::Member | EntryKind::Site) {
                let bytes = entry.as_ref().map(|entry| entry.bytes());
                versions::put(
                    batch,
                    column(columns::VERSIONS),
                    key,
                    height,
                    bytes.as_deref(),
                );
            }
        }
    }
}

/// Height, transaction and record: where a record stands.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Spot {
    /// Height of the block.
    pub height: Height,
    /// Transaction in the block, from 0.
    pub transaction: u32,
    /// Record in the transaction, from 0.
    pub record: u32,
}

impl Spot {
    /// Its 16 bytes in keys: they sort as records were decided.
    pub(crate) fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.height.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.transaction.to_be_bytes());
        bytes[12..].copy_from_slice(&self.record.to_be_bytes());
        bytes
    }

    /// The spot in 16 bytes of a key.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        let (height, rest) = bytes.split_first_chunk::<8>()?;
        let (transaction, record) = rest.split_first_chunk::<4>()?;
        Some(Self {
            height: Height(u64::from_be_bytes(*height)),
            transaction: u32::from_be_bytes(*transaction),
            record: u32::from_be_bytes(record.try_into().ok()?),
        })
    }
}
