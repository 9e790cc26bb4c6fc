//! Flows: what each row held at the beginning of a period, what came, went, began and ended, and
//! what it held at the end.
//!
//! ```text
//! opening + created + in - out - ended = closing        per row, exactly
//! ```
//!
//! It balances because every posting of the period is counted once on either side, and nothing
//! else is. What is under way is a row of its own, so a delivery from one country to another is
//! two moves, out of the first into transit and out of transit into the second; which country
//! what arrived had left is told by `arrivals`. A correction shows as a move back at the time of
//! the move that it undoes. What passes between accounts of one row (a change of holder at one
//! site) is no flow.

use std::collections::BTreeMap;

use chipledger_ledger::read::balances::{By, Compute, Filter};
use chipledger_ledger::read::{Known, Moment, QueryError};
use chipledger_ledger::store::View;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use crate::book::{Book, Move};
use crate::compute::{Rows, Sieve, Sums};
use crate::names::{Keys, Names};

/// A question about flows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// Between what.
    pub by: By,
    /// The period begins behind this event time.
    pub since: Time,
    /// The period ends with this event time; now, if absent.
    pub until: Option<Time>,
    /// As the ledger knew it; the last height, if absent.
    pub known_at: Option<Known>,
    /// Only accounts whose key in each of these dimensions is this. What passes between an account
    /// that is meant and one that is not has come, or gone.
    pub filters: Vec<Filter>,
}

/// One row over the period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Flow {
    /// What it held at the beginning.
    pub opening: Compute,
    /// Registered in it.
    pub created: Compute,
    /// Came from other rows.
    pub came: Compute,
    /// Went to other rows.
    pub went: Compute,
    /// Ended in it: destroyed, or never should have been.
    pub ended: Compute,
    /// What it held at the end.
    pub closing: Compute,
}

/// What passed from one row to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Passage {
    /// The row that it left.
    pub from: String,
    /// The row that it came to.
    pub to: String,
    /// How much.
    pub amounts: Compute,
}

/// The row of what filters leave out, in moves.
pub const ELSEWHERE: &str = "elsewhere";

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flows {
    /// Between what.
    pub by: By,
    /// The period begins behind this event time.
    pub since: Time,
    /// The period ends with this event time; what has happened so far, if absent.
    pub until: Option<Time>,
    /// Rows by key.
    pub rows: BTreeMap<String, Flow>,
    /// Their sum. What came and what went are equal, unless filters leave something out.
    pub total: Flow,
    /// Moves between rows, by row left and row come to.
    pub moves: Vec<Passage>,
    /// Arrivals out of transit, by where the shipment had left and where it arrived; only between
    /// jurisdictions and between sites.
    pub arrivals: Vec<Passage>,
}

/// The two moments of a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    /// The beginning, which does not belong to it.
    pub opening: Moment,
    /// The end, which does.
    pub closing: Moment,
}

impl Question {
    /// The moments that the question is about.
    ///
    /// # Errors
    /// When the ledger does not hold them. A period that ends before it begins is empty: it ends
    /// when it begins.
    pub fn period(&self, view: &View<'_>) -> Result<Period, QueryError> {
        let moment = |at| {
            view.moment(chipledger_ledger::read::AsOf {
                at,
                known_at: self.known_at,
            })
        };
        let until = self.until.map(|until| until.max(self.since));
        Ok(Period {
            opening: moment(Some(self.since))?,
            closing: moment(until)?,
        })
    }
}

/// Flows between rows in a period.
pub fn flows(book: &Book, question: &Question, period: Period) -> Flows {
    let names = book.names();
    let moment = period.closing;
    let mut tally = Tally::of(names, question, moment);
    book.moves(period.opening, period.closing, |passed| {
        tally.count(names, passed);
    });
    let rows = Rows {
        by: question.by,
        cross: None,
    };
    let held = |moment| {
        // Who was whose parent is as of the end of the period, or rows would change without a flow.
        let standing = book.standing(moment);
        Sums::of(names, standing, rows, &question.filters, period.closing)
    };
    tally.finish(
        question,
        period,
        &held(period.opening),
        &held(period.closing),
    )
}

/// Amounts between two rows, by code.
#[derive(Default)]
struct Matrix {
    width: usize,
    dense: Vec<Compute>,
    sparse: BTreeMap<(u32, u32), Compute>,
}

/// Widest matrix that is kept whole.
const DENSE_MAX: usize = 192;

impl Matrix {
    fn new(width: usize) -> Self {
        let dense = if width <= DENSE_MAX { width * width } else { 0 };
        Self {
            width,
            dense: vec![Compute::default(); dense],
            sparse: BTreeMap::new(),
        }
    }

    fn at(&mut self, from: u32, to: u32) -> &mut Compute {
        let place = from as usize * self.width + to as usize;
        if self.dense.is_empty() {
            return self.sparse.entry((from, to)).or_default();
        }
        &mut self.dense[place]
    }

    fn entries(&self) -> impl Iterator<Item = ((u32, u32), &Compute)> {
        let code = |code: usize| u32::try_from(code).unwrap_or(u32::MAX);
        let width = self.width.max(1);
        let dense = self.dense.iter().enumerate();
        let dense =
            dense.map(move |(place, sum)| ((code(place / width), code(place % width)), sum));
        let sparse = self.sparse.iter().map(|(key, sum)| (*key, sum));
        dense.chain(sparse).filter(|(_, sum)| sum.chips > 0)
    }
}

/// Counts moves.
struct Tally<'n> {
    keys: Keys<'n>,
    sieve: Sieve<'n>,
    /// Codes behind those of rows: what filters leave out, and nothing.
    elsewhere: u32,
    nothing: u32,
    moves: Matrix,
    arrivals: Matrix,
    /// Code of the row that what is on an account under way had left, by account.
    origins: Option<&'n [u32]>,
}

impl<'n> Tally<'n> {
    fn of(names: &'n Names, question: &Question, moment: Moment) -> Self {
        let keys = names.keys(question.by, moment);
        let elsewhere = u32::try_from(keys.texts.len()).unwrap_or(u32::MAX);
        let width = keys.texts.len() + 2;
        let origins = names.origins(question.by);
        Self {
            sieve: Sieve::of(names, &question.filters, moment),
            elsewhere,
            nothing: elsewhere + 1,
            moves: Matrix::new(width),
            arrivals: Matrix::new(if origins.is_some() { width } else { 0 }),
            origins,
            keys,
        }
    }

    fn count(&mut self, names: &Names, passed: Move) {
        let code = |account: u32| {
            if account == 0 {
                self.nothing
            } else if self.sieve.lets_pass(account, passed.model) {
                self.keys.code(account, passed.model)
            } else {
                self.elsewhere
            }
        };
        let (from, to) = (code(passed.from), code(passed.to));
        if from == to {
            return;
        }
        let account = if passed.to > 0 {
            passed.to
        } else {
            passed.from
        };
        let irregular = account > 0 && names.is_irregular(account);
        let figures = names.model(passed.model);
        let (count, disputed) = (passed.count, passed.disputed);
        self.moves
            .at(from, to)
            .add(count, disputed, irregular, figures);
        if let Some(origins) = self.origins
            && passed.from > 0
            && passed.to > 0
            && names.is_under_way(passed.from)
            && !names.is_under_way(passed.to)
        {
            let origin = origins[passed.from as usize - 1];
            let arrived = self.arrivals.at(origin, to);
            arrived.add(count, disputed, irregular, figures);
        }
    }

    fn text(&self, code: u32) -> String {
        let text = self.keys.texts.get(code as usize);
        text.map_or_else(|| ELSEWHERE.to_owned(), Clone::clone)
    }

    fn finish(
        self,
        question: &Question,
        period: Period,
        opening: &Sums<'_>,
        closing: &Sums<'_>,
    ) -> Flows {
        let mut rows: BTreeMap<String, Flow> = BTreeMap::new();
        for (row, held) in opening.by_row() {
            rows.entry(row.to_owned()).or_default().opening = held;
        }
        for (row, held) in closing.by_row() {
            rows.entry(row.to_owned()).or_default().closing = held;
        }
        let mut moves = Vec::new();
        for ((from, to), amounts) in self.moves.entries() {
            if from < self.elsewhere {
                let row = rows.entry(self.text(from)).or_default();
                let side = if to == self.nothing {
                    &mut row.ended
                } else {
                    &mut row.went
                };
                *side = side.plus(amounts);
            }
            if to < self.elsewhere {
                let row = rows.entry(self.text(to)).or_default();
                let side = if from == self.nothing {
                    &mut row.created
                } else {
                    &mut row.came
                };
                *side = side.plus(amounts);
            }
            if from != self.nothing && to != self.nothing {
                moves.push(self.passage(from, to, amounts));
            }
        }
        let arrivals = self.arrivals.entries();
        let arrivals = arrivals.map(|((from, to), amounts)| self.passage(from, to, amounts));
        let total = rows
            .values()
            .fold(Flow::default(), |total, row| total.plus(row));
        Flows {
            by: question.by,
            since: question.since,
            until: period.closing.at,
            total,
            moves,
            arrivals: arrivals.collect(),
            rows,
        }
    }

    fn passage(&self, from: u32, to: u32, amounts: &Compute) -> Passage {
        Passage {
            from: self.text(from),
            to: self.text(to),
            amounts: *amounts,
        }
    }
}

impl Flow {
    /// The sum of two rows.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            opening: self.opening.plus(&other.opening),
            created: self.created.plus(&other.created),
            came: self.came.plus(&other.came),
            went: self.went.plus(&other.went),
            ended: self.ended.plus(&other.ended),
            closing: self.closing.plus(&other.closing),
        }
    }

    /// Whether it balances: to the last chip and the last unit of every metric.
    pub fn balances(&self) -> bool {
        let before = self.opening.plus(&self.created).plus(&self.came);
        let after = self.closing.plus(&self.went).plus(&self.ended);
        // Marks of disputes and of irregularity come and go without a chip that moves.
        let unmarked = |sum: Compute| Compute {
            disputed: 0,
            irregular: 0,
            ..sum
        };
        unmarked(before) == unmarked(after)
    }
}
