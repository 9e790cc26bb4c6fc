//! Postings as columns in the order decided, and what stood at a moment.
//!
//! Postings are kept in blocks of 65,536. A full block is closed: its lines are also put in the
//! order of event time, and what all postings up to its end sum to is kept. What stood at
//! `(at, known_at)` is then the sum kept by the last block that had all been known and had all
//! happened, plus, of each later block, the lines that had been known and had happened: the
//! first so many by event time. Postings are reported soon after they happened, so that these
//! lines are few: about as many as were late by the moment asked for.
//!
//! Nothing here is rewritten by a late report: it is one more line of the last block.

use chipledger_ledger::read::postings::PostingRow;
use chipledger_ledger::read::{Moment, Spot};
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::Time;

use super::Held;
use super::cells::{Cell, NO_CELL};

/// Lines of a block; their places in it fit 16 bits.
const BLOCK_LINES: usize = 1 << 16;

/// A posting with cells in place of accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) spot: Spot,
    pub(super) occurred_at: Time,
    pub(super) count: u64,
    pub(super) disputed: u64,
    pub(super) from: Cell,
    pub(super) to: Cell,
}

/// What a posting moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Passed {
    pub(super) count: u64,
    pub(super) disputed: u64,
    pub(super) from: Cell,
    pub(super) to: Cell,
}

/// A sum under way. It cannot overflow: it counts chips, each of which was registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Sum {
    chips: i64,
    disputed: i64,
}

/// All postings, in columns.
#[derive(Default, Debug)]
pub(super) struct Journal {
    occurred_at: Vec<u64>,
    count: Vec<u64>,
    from: Vec<Cell>,
    to: Vec<Cell>,
    /// Transaction and record of each line.
    records: Vec<(u32, u32)>,
    /// The lines that tell of disputed chips, with how many; few.
    disputed: Vec<(usize, u64)>,
    /// Each height that has lines, with its first one.
    heights: Vec<(Height, usize)>,
    closed: Vec<Closed>,
    now: Vec<Sum>,
}

/// A full block.
#[derive(Debug)]
struct Closed {
    /// Height of its last line.
    known: Height,
    /// Latest event time in it and all blocks before.
    happened: u64,
    /// Its lines by event time.
    by_time: Vec<u16>,
    /// What all lines up to its end sum to, without zeros.
    sums: Vec<(Cell, Sum)>,
}

impl Journal {
    /// Takes the next posting.
    pub(super) fn push(&mut self, spot: Spot, row: &PostingRow, from: Cell, to: Cell) {
        let line = self.occurred_at.len();
        if self
            .heights
            .last()
            .is_none_or(|(height, _)| *height != spot.height)
        {
            self.heights.push((spot.height, line));
        }
        self.occurred_at.push(row.occurred_at.0);
        self.count.push(row.count);
        self.from.push(from);
        self.to.push(to);
        self.records.push((spot.transaction, spot.record));
        if row.disputed > 0 {
            self.disputed.push((line, row.disputed));
        }
        let last = [from, to].into_iter().filter(|cell| *cell != NO_CELL).max();
        let cells = last.map_or(0, |cell| cell as usize + 1);
        if cells > self.now.len() {
            self.now.resize(cells, Sum::default());
        }
        add(&mut self.now, from, to, row.count);
        mark(&mut self.now, from, to, row.disputed);
        if self.occurred_at.len().is_multiple_of(BLOCK_LINES) {
            self.close(spot.height);
        }
    }

    fn close(&mut self, known: Height) {
        let first = self.closed.len() * BLOCK_LINES;
        let times = &self.occurred_at[first..];
        let mut by_time: Vec<u16> = (0..=u16::MAX).collect();
        by_time.sort_by_key(|line| times[usize::from(*line)]);
        let latest = times.iter().copied().max().unwrap_or(0);
        let before = self.closed.last().map_or(0, |block| block.happened);
        let sums = (0..).zip(self.now.iter().copied());
        self.closed.push(Closed {
            known,
            happened: latest.max(before),
            by_time,
            sums: sums.filter(|(_, sum)| *sum != Sum::default()).collect(),
        });
    }

    /// What a cell holds now.
    pub(super) fn now(&self, cell: Cell) -> Held {
        held(self.now.get(cell as usize).copied().unwrap_or_default())
    }

    /// The first line of the heights from `first` on.
    fn line_of(&self, first: Height) -> usize {
        let at = self.heights.partition_point(|(height, _)| *height < first);
        let found = self.heights.get(at);
        found.map_or(self.occurred_at.len(), |(_, line)| *line)
    }

    /// The lines of the heights from `first` on, in the order decided.
    pub(super) fn lines_from(&self, first: Height) -> impl Iterator<Item = Line> + '_ {
        let begin = self.line_of(first);
        let mut height = self.heights.partition_point(|(height, _)| *height < first);
        let mut mark = self.disputed.partition_point(|(line, _)| *line < begin);
        (begin..self.occurred_at.len()).map(move |line| {
            while self
                .heights
                .get(height + 1)
                .is_some_and(|(_, next)| *next <= line)
            {
                height += 1;
            }
            let marked = self.disputed.get(mark).filter(|(of, _)| *of == line);
            mark += usize::from(marked.is_some());
            let (transaction, record) = self.records[line];
            Line {
                spot: Spot {
                    height: self.heights[height].0,
                    transaction,
                    record,
                },
                occurred_at: Time(self.occurred_at[line]),
                count: self.count[line],
                disputed: marked.map_or(0, |(_, disputed)| *disputed),
                from: self.from[line],
                to: self.to[line],
            }
        })
    }

    /// What stood in each of so many cells at a moment.
    pub(super) fn sums(&self, moment: Moment, cells: usize) -> Vec<Held> {
        let at = moment.at.map_or(u64::MAX, |at| at.0);
        let known = self.line_of(moment.known.next());
        let whole = |block: &Closed| block.known <= moment.known && block.happened <= at;
        let whole = self.closed.partition_point(whole);
        let mut sums = vec![Sum::default(); cells];
        if let Some(block) = whole.checked_sub(1).and_then(|last| self.closed.get(last)) {
            for (cell, sum) in &block.sums {
                sums[*cell as usize] = *sum;
            }
        }
        let mut first = whole * BLOCK_LINES;
        self.add_disputed(&mut sums, first..known, at);
        for block in &self.closed[whole..] {
            let end = first + BLOCK_LINES;
            if known < end {
                break;
            }
            self.add_block(&mut sums, block, first, at);
            first = end;
        }
        for line in first..known {
            if self.occurred_at[line] <= at {
                self.add_line(&mut sums, line);
            }
        }
        sums.into_iter().map(held).collect()
    }

    /// Visits the lines that happened behind one event time and up to another, as far as they were
    /// known; their spots are left out.
    pub(super) fn moves(&self, opening: Moment, closing: Moment, mut visit: impl FnMut(Passed)) {
        let since = opening.at.map_or(u64::MAX, |at| at.0);
        let until = closing.at.map_or(u64::MAX, |at| at.0);
        let known = self.line_of(closing.known.next());
        let skipped = self.closed.partition_point(|block| block.happened <= since);
        let mut first = skipped * BLOCK_LINES;
        for block in &self.closed[skipped..] {
            if known < first + BLOCK_LINES {
                break;
            }
            let place = |line: &u16| first + usize::from(*line);
            let time = |line: &u16| self.occurred_at[place(line)];
            let begin = block.by_time.partition_point(|line| time(line) <= since);
            let end = block.by_time.partition_point(|line| time(line) <= until);
            for line in block.by_time.get(begin..end).unwrap_or_default() {
                visit(self.passed(place(line)));
            }
            first += BLOCK_LINES;
        }
        for line in first..known {
            let time = self.occurred_at[line];
            if time > since && time <= until {
                visit(self.passed(line));
            }
        }
    }

    fn passed(&self, line: usize) -> Passed {
        Passed {
            count: self.count[line],
            disputed: self.disputed_on(line),
            from: self.from[line],
            to: self.to[line],
        }
    }

    fn disputed_on(&self, line: usize) -> u64 {
        let found = self.disputed.binary_search_by_key(&line, |(line, _)| *line);
        found.map_or(0, |at| self.disputed[at].1)
    }

    /// Adds the lines of a known block that had happened.
    fn add_block(&self, sums: &mut [Sum], block: &Closed, first: usize, at: u64) {
        let happened = |line: &u16| self.occurred_at[first + usize::from(*line)] <= at;
        let lines = block.by_time.partition_point(happened);
        for line in &block.by_time[..lines] {
            self.add_line(sums, first + usize::from(*line));
        }
    }

    fn add_line(&self, sums: &mut [Sum], line: usize) {
        add(sums, self.from[line], self.to[line], self.count[line]);
    }

    fn add_disputed(&self, sums: &mut [Sum], lines: std::ops::Range<usize>, at: u64) {
        let first = self
            .disputed
            .partition_point(|(line, _)| *line < lines.start);
        let within = self.disputed[first..].iter();
        for (line, disputed) in within.take_while(|(line, _)| *line < lines.end) {
            if self.occurred_at[*line] <= at {
                mark(sums, self.from[*line], self.to[*line], *disputed);
            }
        }
    }

    /// Bytes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let line = 2 * size_of::<u64>() + 2 * size_of::<Cell>() + size_of::<(u32, u32)>();
        let closed = |block: &Closed| block.sums.len() * size_of::<(Cell, Sum)>() + 2 * BLOCK_LINES;
        self.occurred_at.len() * line + self.closed.iter().map(closed).sum::<usize>()
    }
}

fn add(sums: &mut [Sum], from: Cell, to: Cell, count: u64) {
    let count = count.cast_signed();
    if let Some(sum) = sums.get_mut(from as usize) {
        sum.chips -= count;
    }
    if let Some(sum) = sums.get_mut(to as usize) {
        sum.chips += count;
    }
}

fn mark(sums: &mut [Sum], from: Cell, to: Cell, disputed: u64) {
    let disputed = disputed.cast_signed();
    if let Some(sum) = sums.get_mut(from as usize) {
        sum.disputed -= disputed;
    }
    if let Some(sum) = sums.get_mut(to as usize) {
        sum.disputed += disputed;
    }
}

/// No account is negative at any event time. A mark may be told of an account that the chips had
/// left by a movement reported later: an account is told no more of them than it held.
fn held(sum: Sum) -> Held {
    let chips = u64::try_from(sum.chips).unwrap_or(0);
    Held {
        chips,
        disputed: u64::try_from(sum.disputed).unwrap_or(0).min(chips),
    }
}
