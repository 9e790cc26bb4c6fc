//! The book: every posting of a ledger in memory, so that a question about any moment costs little
//! more than one about the present.
//!
//! It is made from a view of the ledger, and kept up from later views; nothing in it is ever
//! rewritten, because postings are only ever added. How it finds what stood at a moment is told in
//! `book/journal.rs` and `docs/decisions/014-the-book.md`.
//!
//! **Invariant:** what the postings sum to is what the accounts of the state say, at every height
//! that the book was caught up to: it is compared, and a difference is an error.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::postings::PostingRow;
use chipledger_ledger::read::{Moment, QueryError, Spot};
use chipledger_ledger::state::{State, StateError};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, Balance, BalanceRow, Key, ModelNumber, Stored};
use chipledger_schemas::catalogue::ModelVersion;
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::Time;

use crate::names::Names;

mod cells;
mod journal;

use cells::{Cell, Cells};
use journal::{Journal, Line};

/// Chips of one model on one account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// Chips.
    pub chips: u64,
    /// Of which disputed.
    pub disputed: u64,
}

/// Every posting of a ledger, up to a height.
#[derive(Debug)]
pub struct Book {
    height: Height,
    block_time: Time,
    names: Names,
    cells: Cells,
    /// Cells that hold something now.
    live: Vec<Cell>,
    journal: Journal,
}

/// One posting, as [`Book::postings`] shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posting {
    /// Where the record stands; see [`Spot::is_base`] for what no record made.
    pub spot: Spot,
    /// Event time.
    pub occurred_at: Time,
    /// The model.
    pub model: ModelNumber,
    /// Chips; none if chips stay where they are, and are disputed from here on (credited), or no
    /// longer (debited).
    pub count: u64,
    /// Of which disputed; of a row without chips those that it marks.
    pub disputed: u64,
    /// Number of the account debited; 0 if the chips come from nowhere.
    pub from: u32,
    /// Number of the account credited; 0 if the chips end.
    pub to: u32,
}

/// Chips that passed from account to account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// The model.
    pub model: ModelNumber,
    /// Chips.
    pub count: u64,
    /// Of which disputed.
    pub disputed: u64,
    /// Number of the account debited; 0 if the chips come from nowhere.
    pub from: u32,
    /// Number of the account credited; 0 if the chips end.
    pub to: u32,
}

impl Book {
    /// Reads the whole ledger.
    ///
    /// # Errors
    /// When the store cannot be read, or its postings do not sum to its accounts: run `audit`.
    pub fn load(view: &View<'_>) -> Result<Self, QueryError> {
        let mut book = Self::empty();
        book.take(view, None)?;
        let numbers: BTreeMap<&Account, u32> = (1..).zip(book.names.accounts()).map(swap).collect();
        let mut committed = BTreeMap::new();
        for ((account, model), (chips, disputed)) in view.balances_now()? {
            let number = numbers.get(&account).ok_or_else(|| differs(&account))?;
            committed.insert((*number, model), Held { chips, disputed });
        }
        book.check(&committed, &book.now().collect())?;
        Ok(book)
    }

    /// Reads what later blocks added. A view that is not ahead of the book adds nothing.
    ///
    /// # Errors
    /// As [`Self::load`]. The book is then good for nothing more: load it again.
    pub fn catch_up(&mut self, view: &View<'_>) -> Result<(), QueryError> {
        if view.head()?.header.height <= self.height {
            return Ok(());
        }
        if view.first_height()? > self.height.next() {
            // What the book lacks was forgotten meanwhile: it stands as rows that no record made.
            *self = Self::load(view)?;
            return Ok(());
        }
        let touched = self.take(view, Some(self.height))?;
        for number in touched {
            let Some(account) = self.account(number) else {
                continue;
            };
            let entry = view.entry(&Key::Account(account.clone()))?;
            let balance = entry.as_deref().and_then(Balance::of);
            let rows = balance.map_or(&[][..], |balance| balance.rows.as_slice());
            let held = |row: &BalanceRow| Held {
                chips: row.count,
                disputed: row.disputed,
            };
            let committed = rows.iter().map(|row| ((number, row.model), held(row)));
            let cells = self.cells.of_account(number);
            let summed = cells.map(|(model, cell)| ((number, model), self.journal.now(cell)));
            let summed = summed.filter(|(_, held)| held.chips > 0).collect();
            self.check(&committed.collect(), &summed)?;
        }
        Ok(())
    }

    /// A book of rows that stand in no ledger, for benchmarks: accounts by number less one, and
    /// rows in the order decided.
    #[doc(hidden)]
    pub fn made_of(
        accounts: Vec<Account>,
        models: Vec<(String, ModelVersion)>,
        rows: impl IntoIterator<Item = (Spot, PostingRow)>,
    ) -> Self {
        let mut book = Self::empty();
        book.names.push_accounts(accounts);
        book.names.set_models(models);
        for (spot, row) in rows {
            book.push(spot, &row);
            book.height = spot.height;
        }
        book.find_live();
        book
    }

    fn empty() -> Self {
        Self {
            height: Height(0),
            block_time: Time(0),
            names: Names::default(),
            cells: Cells::default(),
            live: Vec::new(),
            journal: Journal::default(),
        }
    }

    fn push(&mut self, spot: Spot, row: &PostingRow) {
        let from = self.cells.number(row.from, row.model);
        let to = self.cells.number(row.to, row.model);
        self.journal.push(spot, row, from, to);
    }

    fn find_live(&mut self) {
        let holds = |cell: &Cell| self.journal.now(*cell).chips > 0;
        self.live = self
            .cells
            .iter()
            .map(|(cell, _)| cell)
            .filter(holds)
            .collect();
    }

    /// Takes the rows of all heights after `after`; tells the accounts that they touch.
    fn take(
        &mut self,
        view: &View<'_>,
        after: Option<Height>,
    ) -> Result<BTreeSet<u32>, QueryError> {
        let head = view.head()?.header;
        let next = self.names.accounts().len() + 1;
        let next = u32::try_from(next).unwrap_or(u32::MAX);
        self.names.push_accounts(view.accounts_from(next)?);
        self.names.read(view, after)?;
        let all = Moment {
            at: None,
            known: head.height,
            known_time: head.time,
        };
        let first = after.map_or(Height(0), Height::next);
        let mut touched = BTreeSet::new();
        view.postings_from(first, all, |spot, row| {
            self.push(spot, row);
            touched.extend([row.from, row.to].into_iter().filter(|number| *number > 0));
        })?;
        self.find_live();
        (self.height, self.block_time) = (head.height, head.time);
        Ok(touched)
    }

    /// Compares balances of the state with what the postings sum to.
    fn check(&self, committed: &Balances, summed: &Balances) -> Result<(), StateError> {
        if committed == summed {
            return Ok(());
        }
        let mut keys = committed.keys().chain(summed.keys());
        let differing = keys.find(|key| committed.get(key) != summed.get(key));
        let account = differing.and_then(|(number, _)| self.account(*number));
        Err(account.map_or_else(|| differs(&"an account"), |account| differs(account)))
    }

    /// Height up to which it holds everything.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Time of the block of that height.
    pub fn block_time(&self) -> Time {
        self.block_time
    }

    /// The account of a number; numbers count from 1.
    pub fn account(&self, number: u32) -> Option<&Account> {
        self.names.account(number)
    }

    /// Every account with its number, in the order in which they first appeared.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = (u32, &Account)> {
        let number = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
        let accounts = self.names.accounts().iter().enumerate();
        accounts.map(move |(at, account)| (number(at), account))
    }

    /// Models by number: id and latest version.
    pub fn models(&self) -> &[(String, ModelVersion)] {
        self.names.models()
    }

    /// Accounts, models and members: who was whose parent when.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Every posting, in the order decided.
    pub fn postings(&self) -> impl Iterator<Item = Posting> + '_ {
        self.postings_from(Height(0))
    }

    /// Every posting of the heights from `first` on, in the order decided.
    pub fn postings_from(&self, first: Height) -> impl Iterator<Item = Posting> + '_ {
        let posting = move |line: Line| {
            let (from, to) = (self.cells.key(line.from), self.cells.key(line.to));
            let number = |key: Option<(u32, ModelNumber)>| key.map_or(0, |(number, _)| number);
            let (_, model) = from.or(to).unwrap_or((0, ModelNumber(0)));
            Posting {
                spot: line.spot,
                occurred_at: line.occurred_at,
                model,
                count: line.count,
                disputed: line.disputed,
                from: number(from),
                to: number(to),
            }
        };
        self.journal.lines_from(first).map(posting)
    }

    /// What stands on every account, by account number and model, none zero: the present.
    pub fn now(&self) -> impl Iterator<Item = ((u32, ModelNumber), Held)> + '_ {
        let held = move |cell: &Cell| {
            let key = self.cells.key(*cell)?;
            Some((key, self.journal.now(*cell)))
        };
        self.live.iter().filter_map(held)
    }

    /// What stood on every account at a moment, by account number and model, none zero. The moment
    /// comes from [`View::moment`], which refuses what the ledger does not hold, of a view that the
    /// book was caught up to.
    ///
    /// Chips count as disputed from the event time of the record that said so. If a movement from
    /// before it is reported or corrected after it, the chips that it moved count from that
    /// movement's event time on: their mark moves with them. No account is told more than it held.
    pub fn balances(&self, moment: Moment) -> Balances {
        self.standing(moment).collect()
    }

    /// As [`Self::balances`], in the order in which accounts first appeared.
    pub fn standing(
        &self,
        moment: Moment,
    ) -> impl Iterator<Item = ((u32, ModelNumber), Held)> + '_ {
        let sums = self.journal.sums(moment, self.cells.len());
        let held = self
            .cells
            .iter()
            .zip(sums)
            .map(|((_, key), held)| (key, held));
        held.filter(|(_, held)| held.chips > 0)
    }

    /// Visits what moved behind the event time of `opening` and up to that of `closing`, as known
    /// at `closing`, in no order that means anything.
    pub fn moves(&self, opening: Moment, closing: Moment, mut visit: impl FnMut(Move)) {
        self.journal.moves(opening, closing, |line| {
            let (from, to) = (self.cells.key(line.from), self.cells.key(line.to));
            let Some((_, model)) = from.or(to).filter(|_| line.count > 0) else {
                return;
            };
            visit(Move {
                model,
                count: line.count,
                disputed: line.disputed,
                from: from.map_or(0, |(number, _)| number),
                to: to.map_or(0, |(number, _)| number),
            });
        });
    }

    /// Bytes that the book takes in memory, about.
    pub fn bytes(&self) -> usize {
        self.journal.bytes() + self.cells.bytes() + std::mem::size_of_val(self.names.accounts())
    }
}

/// Chips by account number and model.
pub type Balances = BTreeMap<(u32, ModelNumber), Held>;

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

fn differs(account: &dyn std::fmt::Debug) -> StateError {
    StateError {
        reason: format!("postings do not sum to the balance of {account:?}; run audit"),
    }
}
