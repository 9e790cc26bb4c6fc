//! Names: from ids to numbers, one entry per 1,024 serials.

use chipledger_proof::state::{Key, NAMES_PER_BLOCK, NameRun, Names, name_slot};
use chipledger_schemas::ids::{ItemId, ItemNumber};
use chipledger_schemas::items::{ItemSet, Run, Series};

use super::{Draft, Keep, State};
use crate::rejection::{Code, Fault, reject};

impl<S: State> Draft<'_, S> {
    /// The number of an item.
    pub(crate) fn number(&self, id: &ItemId) -> Result<ItemNumber, Fault> {
        match self.find_number(id)? {
            Some(number) => Ok(number),
            None => reject(Code::ItemUnknown, format!("{id} is not registered")),
        }
    }

    /// The number of an item, if it is registered.
    pub(crate) fn find_number(&self, id: &ItemId) -> Result<Option<ItemNumber>, Fault> {
        let (key, offset) = name_slot(id);
        Ok(self
            .look::<Names, _>(&key, |names| names.get(offset))?
            .flatten())
    }

    /// The numbers of a set, in its order.
    pub(crate) fn numbers(&self, set: &ItemSet) -> Result<Vec<ItemNumber>, Fault> {
        let mut numbers = Vec::with_capacity(usize::try_from(set.len()).unwrap_or(0));
        for (series, run) in set.runs() {
            for (block, part) in parts(run) {
                let key = Key::Names {
                    series: series.clone(),
                    block,
                };
                let serials = part.first..part.end();
                let find = |names: &Names| {
                    let mut serials = serials.clone();
                    serials.try_for_each(|number| {
                        numbers.push(names.get(offset_of(number)).ok_or(number)?);
                        Ok(())
                    })
                };
                if let Err(number) = self.look(&key, find)?.unwrap_or(Err(part.first)) {
                    let id = series.id(number).map(|id| id.to_string());
                    let id = id.unwrap_or_default();
                    return reject(Code::ItemUnknown, format!("{id} is not registered"));
                }
            }
        }
        self.prefetch(&numbers)?;
        Ok(numbers)
    }

    /// Gives the items of a set consecutive numbers from `first` on, in its order.
    pub(crate) fn register_names(&mut self, set: &ItemSet, first: ItemNumber) -> Result<(), Fault> {
        let mut next = first.0;
        for (series, run) in set.runs() {
            for (block, part) in parts(run) {
                let new = NameRun {
                    offset: offset_of(part.first),
                    count: u16::try_from(part.count).expect("a part is within a block"),
                    first: ItemNumber(next),
                };
                next += part.count;
                let key = Key::Names {
                    series: series.clone(),
                    block,
                };
                self.update::<Names>(key, |names| {
                    insert(names, new).or_else(|taken| taken_error(series, block, taken))?;
                    Ok(Keep::Yes)
                })?;
            }
        }
        Ok(())
    }
}

fn taken_error(series: &Series, block: u64, offset: u16) -> Result<(), Fault> {
    let number = block * NAMES_PER_BLOCK + u64::from(offset);
    let id = series
        .id(number)
        .map(|id| id.to_string())
        .unwrap_or_default();
    reject(Code::SerialTaken, format!("{id} is registered already"))
}

fn offset_of(number: u64) -> u16 {
    u16::try_from(number % NAMES_PER_BLOCK).expect("below 1,024")
}

/// Cuts a run at block boundaries.
fn parts(run: Run) -> impl Iterator<Item = (u64, Run)> {
    let mut first = run.first;
    std::iter::from_fn(move || {
        if first >= run.end() {
            return None;
        }
        let block = first / NAMES_PER_BLOCK;
        let end = run.end().min((block + 1) * NAMES_PER_BLOCK);
        let part = Run {
            first,
            count: end - first,
        };
        first = end;
        Some((block, part))
    })
}

/// Inserts a run and merges it with its neighbours; the error is the first offset that is taken.
fn insert(names: &mut Names, new: NameRun) -> Result<(), u16> {
    let at = names.0.partition_point(|run| run.offset < new.offset);
    if let Some(before) = at.checked_sub(1).and_then(|i| names.0.get(i))
        && before.offset + before.count > new.offset
    {
        return Err(new.offset);
    }
    if let Some(after) = names.0.get(at)
        && new.offset + new.count > after.offset
    {
        return Err(after.offset);
    }
    names.0.insert(at, new);
    names.0.dedup_by(|next, run| {
        let joins = run.joins(next);
        if joins {
            run.count += next.count;
        }
        joins
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(offset: u16, count: u16, first: u64) -> NameRun {
        NameRun {
            offset,
            count,
            first: ItemNumber(first),
        }
    }

    #[test]
    fn runs_merge_when_serials_and_numbers_are_consecutive() {
        let mut names = Names::default();
        insert(&mut names, run(10, 5, 100)).unwrap();
        insert(&mut names, run(15, 5, 105)).unwrap();
        insert(&mut names, run(20, 5, 900)).unwrap();
        assert_eq!(names.0, [run(10, 10, 100), run(20, 5, 900)]);
        assert_eq!(names.get(19), Some(ItemNumber(109)));
        assert_eq!(names.get(25), None);
    }

    #[test]
    fn a_serial_is_taken_once() {
        let mut names = Names::default();
        insert(&mut names, run(10, 5, 100)).unwrap();
        assert_eq!(insert(&mut names, run(14, 1, 0)), Err(14));
        assert_eq!(insert(&mut names, run(8, 4, 0)), Err(10));
        assert_eq!(insert(&mut names, run(0, 1024, 0)), Err(10));
    }

    #[test]
    fn a_run_is_cut_at_block_boundaries() {
        let cut: Vec<_> = parts(Run {
            first: 1_000,
            count: 1_100,
        })
        .collect();
        let part = |first, count| Run { first, count };
        assert_eq!(
            cut,
            [
                (0, part(1_000, 24)),
                (1, part(1_024, 1_024)),
                (2, part(2_048, 52))
            ]
        );
    }
}
