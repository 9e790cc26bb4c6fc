//! Goods: consecutive serials of one series, and how they are put into units.

use chipledger_schemas::ids::Issuer;
use chipledger_schemas::items::{ItemSet, Run, Series};
use chipledger_schemas::records::{Pack, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::UnitKind;

/// Items of one series, in order of their numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Goods {
    series: Series,
    runs: Vec<Run>,
}

impl Goods {
    /// The items of the given runs, whose numbers rise.
    pub(super) fn new(series: Series, runs: Vec<Run>) -> Self {
        Self { series, runs }
    }

    /// `count` items called `prefix` and a number of `width` digits, from `first` on.
    pub(super) fn numbered(
        issuer: &Issuer,
        prefix: &str,
        width: u8,
        first: u64,
        count: u64,
    ) -> Self {
        let series = Series {
            issuer: issuer.clone(),
            prefix: prefix.into(),
            width,
        };
        Self::new(series, vec![Run { first, count }])
    }

    pub(super) fn len(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// The first `count` items, and the rest.
    pub(super) fn split(&self, count: u64) -> (Self, Self) {
        let (mut head, mut tail, mut left) = (Vec::new(), Vec::new(), count);
        for run in &self.runs {
            let taken = run.count.min(left);
            left -= taken;
            if taken > 0 {
                head.push(Run {
                    first: run.first,
                    count: taken,
                });
            }
            if taken < run.count {
                tail.push(Run {
                    first: run.first + taken,
                    count: run.count - taken,
                });
            }
        }
        (
            Self::new(self.series.clone(), head),
            Self::new(self.series.clone(), tail),
        )
    }

    /// Pieces of at most `count` items.
    pub(super) fn chunks(&self, count: u64) -> Vec<Self> {
        let (mut pieces, mut rest) = (Vec::new(), self.clone());
        while rest.len() > 0 {
            let (head, tail) = rest.split(count);
            pieces.push(head);
            rest = tail;
        }
        pieces
    }

    /// The item set that names them.
    ///
    /// # Panics
    /// If two runs overlap or a number is too long for its series: a bug in the numbering.
    pub(super) fn set(&self) -> ItemSet {
        let runs = self.runs.iter().map(|run| (self.series.clone(), *run));
        ItemSet::of_runs(runs.collect()).expect("goods are numbered without overlap")
    }

    /// The records that put these goods, `per_unit` into each, into the first of `units`; the last
    /// unit takes what is left over, in a record of its own, because one record puts the same
    /// number into each unit.
    pub(super) fn pack(
        &self,
        units: &Self,
        kind: UnitKind,
        per_unit: u64,
        at: Time,
    ) -> Vec<Record> {
        let full = self.len() / per_unit;
        let (even, rest) = self.split(full * per_unit);
        let (full_units, last_unit) = units.split(full);
        [(full_units, even), (last_unit, rest)]
            .into_iter()
            .filter(|(_, items)| items.len() > 0)
            .map(|(units, items)| {
                Record::Pack(Pack {
                    units: units.set(),
                    unit_kind: kind,
                    items: items.set(),
                    occurred_at: at,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goods(runs: &[(u64, u64)]) -> Goods {
        let series = Series {
            issuer: "A".parse().expect("an issuer"),
            prefix: "".into(),
            width: 4,
        };
        let runs = runs.iter().map(|(first, count)| Run {
            first: *first,
            count: *count,
        });
        Goods::new(series, runs.collect())
    }

    #[test]
    fn splitting_loses_nothing_and_keeps_the_order() {
        let all = goods(&[(10, 5), (100, 5)]);
        let (head, tail) = all.split(7);
        assert_eq!(head, goods(&[(10, 5), (100, 2)]));
        assert_eq!(tail, goods(&[(102, 3)]));
        assert_eq!(all.chunks(4).len(), 3);
        assert_eq!(all.split(10).1.len(), 0);
    }

    #[test]
    fn the_last_unit_takes_what_is_left_over() {
        let records = goods(&[(0, 19)]).pack(&goods(&[(500, 3)]), UnitKind::Board, 8, Time(1));
        let sizes: Vec<(u64, u64)> = records
            .iter()
            .map(|record| (record.items()[0].len(), record.items()[1].len()))
            .collect();
        assert_eq!(sizes, [(2, 16), (1, 3)]);
        assert!(records.iter().all(|record| record.check().is_ok()));
    }
}
