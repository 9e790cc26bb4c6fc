//! Where the book of one ledger stands: read when it is first needed, caught up when it is asked.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use chipledger_ledger::read::{AsOf, Moment, QueryError};
use chipledger_ledger::store::{Store, View};
use chipledger_schemas::api::{Answer, Basis};
use chipledger_schemas::time::Time;

use crate::book::{Book, Held};
use crate::compute::{self, Pooled, Question, Standing};
use crate::concentration::{self, Measured, concentration};
use crate::flows::{self, Flows};
use crate::names::Names;

/// A ledger and its book.
pub struct Shelf {
    store: Store,
    book: RwLock<Option<Book>>,
}

impl Shelf {
    /// A shelf without a book yet: the first question about the past reads it.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            book: RwLock::new(None),
        }
    }

    /// The ledger.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Asks the book, caught up to the last block. Questions are answered side by side; while one
    /// of them catches up, others wait.
    ///
    /// # Errors
    /// As [`Book::load`], and those of the question.
    pub fn ask<T>(
        &self,
        ask: impl FnOnce(&View<'_>, &Book) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        {
            // A question that panicked has changed nothing: a reader's lock is good as it is.
            let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
            let view = self.store.view();
            let height = view.head()?.header.height;
            if let Some(book) = book.as_ref().filter(|book| book.height() == height) {
                return ask(&view, book);
            }
        }
        let mut place = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let view = self.store.view();
        let caught_up = match place.take() {
            Some(mut book) => book.catch_up(&view).map(|()| book),
            None => Book::load(&view),
        };
        *place = Some(caught_up?);
        let place = RwLockWriteGuard::downgrade(place);
        match place.as_ref() {
            Some(book) => ask(&view, book),
            None => Err(chipledger_ledger::state::StateError {
                reason: "there is no book".to_owned(),
            }
            .into()),
        }
    }

    /// Pooled compute. The present is read from the committed accounts alone, unless the book is
    /// open already, which was compared with them.
    ///
    /// # Errors
    /// As [`Self::ask`], and when the ledger does not hold that moment.
    pub fn compute(&self, question: &Question) -> Result<Answer<Pooled>, QueryError> {
        let is_open = self.book.read().is_ok_and(|book| book.is_some());
        if question.as_of.is_now() && !is_open {
            let view = self.store.view();
            let moment = view.moment(question.as_of)?;
            let (names, standing) = present(&view)?;
            let basis = Basis::Committed;
            let pooled = compute::pooled(&names, standing.into_iter(), question, moment, basis);
            return Ok(self.answer(moment, basis, pooled));
        }
        self.ask(|view, book| {
            let moment = view.moment(question.as_of)?;
            let basis = question.as_of.basis();
            let names = book.names();
            let pooled = if question.as_of.is_now() {
                compute::pooled(names, book.now(), question, moment, basis)
            } else {
                compute::pooled(names, book.standing(moment), question, moment, basis)
            };
            Ok(self.answer(moment, basis, pooled))
        })
    }

    /// How concentrated compute is; if an earlier event time is given, also how HHI changed since.
    ///
    /// # Errors
    /// As [`Self::ask`], and when the ledger does not hold one of the moments.
    pub fn concentration(
        &self,
        question: &concentration::Question,
        since: Option<Time>,
    ) -> Result<Answer<Measured>, QueryError> {
        self.ask(|view, book| {
            let measured = |as_of: AsOf| {
                let moment = view.moment(as_of)?;
                let names = book.names();
                let basis = as_of.basis();
                Ok::<_, QueryError>(if as_of.is_now() {
                    concentration(names, book.now(), question, moment, basis)
                } else {
                    concentration(names, book.standing(moment), question, moment, basis)
                })
            };
            let after = measured(question.as_of)?;
            let change = match since {
                None => None,
                Some(since) => {
                    let at = question.as_of.at.map_or(since, |at| at.min(since));
                    let before = measured(AsOf {
                        at: Some(at),
                        ..question.as_of
                    })?;
                    Some(concentration::change(&before, &after))
                }
            };
            let (moment, basis) = (after.moment, after.basis);
            let measured = Measured {
                concentration: after,
                change,
            };
            Ok(self.answer(moment, basis, measured))
        })
    }

    /// Flows of a period.
    ///
    /// # Errors
    /// As [`Self::ask`], and when the ledger does not hold one of the period's ends.
    pub fn flows(&self, question: &flows::Question) -> Result<Answer<Flows>, QueryError> {
        self.ask(|view, book| {
            let period = question.period(view)?;
            let flows = flows::flows(book, question, period);
            Ok(self.answer(period.closing, Basis::Derived, flows))
        })
    }

    fn answer<T>(&self, moment: Moment, basis: Basis, answer: T) -> Answer<T> {
        Answer {
            height: moment.known,
            block_time: moment.known_time,
            at: moment.at,
            basis,
            clock: self.store.genesis().clock,
            answer,
        }
    }
}

/// What stands on the committed accounts now, numbered for this answer alone.
fn present(view: &View<'_>) -> Result<(Names, Vec<Standing>), QueryError> {
    let mut names = Names::default();
    names.read(view, None)?;
    let mut numbers = BTreeMap::new();
    let mut standing = Vec::new();
    for ((account, model), (chips, disputed)) in view.balances_now()? {
        let next = u32::try_from(numbers.len() + 1).unwrap_or(u32::MAX);
        let number = *numbers.entry(account).or_insert(next);
        standing.push(((number, model), Held { chips, disputed }));
    }
    let mut accounts: Vec<_> = numbers.into_iter().collect();
    accounts.sort_by_key(|(_, number)| *number);
    names.push_accounts(accounts.into_iter().map(|(account, _)| account));
    Ok((names, standing))
}
