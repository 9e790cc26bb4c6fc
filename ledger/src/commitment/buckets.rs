//! Buckets while a batch changes them: read, merge, and spread over the new number of buckets.

use chipledger_proof::{BucketEntry, bucket_index};
use chipledger_schemas::hash::Hash;

use super::{BucketReader, PlanError};

/// A change of the number of buckets.
#[derive(Clone, Copy)]
pub(super) struct Rehash {
    pub(super) before: u64,
    pub(super) after: u64,
}

/// Buckets by index, ascending; `None` is a bucket that is no more.
pub(super) type Rows = Vec<(u64, Option<Vec<BucketEntry>>)>;

/// The buckets that a batch touches, with their entries after it.
pub(super) struct Contents<'a, R> {
    reader: &'a R,
    buckets: u64,
    /// By index, ascending; `None` once a rehash has taken the entries.
    touched: Rows,
}

impl<'a, R: BucketReader> Contents<'a, R> {
    pub(super) fn new(reader: &'a R, buckets: u64) -> Self {
        Self {
            reader,
            buckets,
            touched: Vec::new(),
        }
    }

    fn read(&self, index: u64) -> Result<Vec<BucketEntry>, PlanError<R::Error>> {
        self.reader
            .bucket(index)
            .map_err(|source| PlanError::Bucket { index, source })
    }

    /// Merges the changes (ascending by key) into their buckets; returns the entry count
    /// afterwards.
    pub(super) fn change(
        &mut self,
        entry_count: u64,
        changes: &[(Hash, Option<Hash>)],
    ) -> Result<u64, PlanError<R::Error>> {
        // The sort keeps the order of keys within a bucket.
        let bucket = |change: &(Hash, Option<Hash>)| bucket_index(&change.0, self.buckets);
        let mut placed: Vec<_> = changes
            .iter()
            .map(|change| (bucket(change), change))
            .collect();
        placed.sort_by_key(|&(index, _)| index);
        let mut count = entry_count;
        for group in placed.chunk_by(|a, b| a.0 == b.0) {
            let index = group[0].0;
            let before = self.read(index)?;
            let after = merge(&before, group.iter().map(|(_, change)| *change));
            count = count + after.len() as u64 - before.len() as u64;
            self.touched.push((index, Some(after)));
        }
        Ok(count)
    }

    /// Spreads the entries over the new number of buckets. Only buckets that split or fold, and
    /// those they come from or go to, are read and moved.
    pub(super) fn rehash(mut self, change: Rehash) -> Result<Rows, PlanError<R::Error>> {
        let mut rows = Vec::new();
        if change.before != change.after {
            let sources = change.sources();
            let mut moved = Vec::new();
            for &index in &sources {
                let entries = self.take(index)?;
                let place = |entry: BucketEntry| (bucket_index(&entry.key, change.after), entry);
                moved.extend(entries.into_iter().map(place));
            }
            moved.sort_unstable();
            rows = spread(change, &sources, &moved);
        }
        rows.extend(
            self.touched
                .into_iter()
                .filter(|(_, entries)| entries.is_some()),
        );
        rows.sort_unstable_by_key(|&(index, _)| index);
        Ok(rows)
    }

    /// A bucket's entries after the batch; the bucket no longer counts as touched by itself.
    fn take(&mut self, index: u64) -> Result<Vec<BucketEntry>, PlanError<R::Error>> {
        let place = self
            .touched
            .binary_search_by_key(&index, |&(touched, _)| touched)
            .ok();
        match place.and_then(|place| self.touched[place].1.take()) {
            Some(entries) => Ok(entries),
            None => self.read(index),
        }
    }
}

impl Rehash {
    /// The bucket among `buckets` that holds, or receives, what is in `index` under more buckets.
    fn fold(mut index: u64, buckets: u64) -> u64 {
        while index >= buckets {
            index -= 1 << index.ilog2();
        }
        index
    }

    /// Buckets of before whose entries move or receive entries, ascending.
    fn sources(self) -> Vec<u64> {
        let (few, many) = (self.before.min(self.after), self.before.max(self.after));
        let mut sources: Vec<u64> = (few..many).map(|index| Self::fold(index, few)).collect();
        if self.after < self.before {
            sources.extend(few..many);
        }
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}

/// The rows of all buckets that a rehash concerns: `moved` is ascending by new bucket and key.
fn spread(change: Rehash, sources: &[u64], moved: &[(u64, BucketEntry)]) -> Rows {
    let mut rest = moved;
    let new = change.before..change.after.max(change.before);
    let row = |index: u64| {
        if index >= change.after {
            return (index, None);
        }
        let (here, beyond) = rest.split_at(rest.partition_point(|&(bucket, _)| bucket <= index));
        rest = beyond;
        (index, Some(here.iter().map(|&(_, entry)| entry).collect()))
    };
    sources.iter().copied().chain(new).map(row).collect()
}

/// The bucket after its changes; both ascending by key.
fn merge<'a>(
    before: &[BucketEntry],
    changes: impl Iterator<Item = &'a (Hash, Option<Hash>)>,
) -> Vec<BucketEntry> {
    let mut after = Vec::with_capacity(before.len() + 1);
    let mut rest = before;
    for (key, value) in changes {
        let (below, from) = rest.split_at(rest.partition_point(|entry| entry.key < *key));
        after.extend_from_slice(below);
        rest = match from.split_first() {
            Some((same, above)) if same.key == *key => above,
            _ => from,
        };
        after.extend(value.map(|value| BucketEntry { key: *key, value }));
    }
    after.extend_from_slice(rest);
    after
}
