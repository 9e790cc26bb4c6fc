//! Proofs about one key of the names tree: it is there with this value, or it is not there.
//!
//! Absence is shown by what stands around the gap: the two entries next to each other that enclose
//! the key, or the first or last entry of its bucket, or that the bucket is empty. The cost is two
//! list paths however full the bucket is.

use chipledger_schemas::hash::Hash;
use serde::{Deserialize, Serialize};

use crate::dense::{BUCKETS, DensePath};
use crate::names::{BucketEntry, bucket_count, bucket_index, bucket_of_list, names_root};
use chipledger_schemas::merkle::PathError;
use chipledger_schemas::merkle::{ListPath, list_path, list_root};

/// Shows that the names tree holds an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryProof {
    /// Entries of the whole tree.
    pub entry_count: u64,
    /// From the bucket to the top.
    pub bucket: DensePath,
    /// From the entry to the bucket's list root.
    pub list: ListPath,
}

impl EntryProof {
    /// The proof for `key`, or `None` when its bucket does not hold it. `entries` is the bucket
    /// that the key maps to and `bucket` its path.
    pub fn new(
        entry_count: u64,
        bucket: DensePath,
        entries: &[BucketEntry],
        key: &Hash,
    ) -> Option<Self> {
        let index = entries.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
        Some(Self {
            entry_count,
            bucket,
            list: list_path(&hashes(entries), index as u64),
        })
    }

    /// The names root that the proof leads to from `entry`. Compare it with the trusted one.
    ///
    /// # Errors
    /// [`PathError`] when the parts do not fit together or the bucket is not the key's.
    pub fn root(&self, entry: &BucketEntry) -> Result<Hash, PathError> {
        let list = self.list.root(&entry.hash())?;
        root_of_bucket(self.entry_count, &self.bucket, &list, &entry.key)
    }

    /// Checks the proof against a trusted names root.
    ///
    /// # Errors
    /// As [`Self::root`], and [`PathError::OtherRoot`].
    pub fn verify(&self, names_root: &Hash, entry: &BucketEntry) -> Result<(), PathError> {
        expect_root(names_root, &self.root(entry)?)
    }
}

/// An entry beside the place where an absent key would stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// The entry.
    pub entry: BucketEntry,
    /// From the entry to the bucket's list root.
    pub list: ListPath,
}

/// Shows that the names tree does not hold a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsenceProof {
    /// Entries of the whole tree.
    pub entry_count: u64,
    /// From the bucket to the top.
    pub bucket: DensePath,
    /// The entry before the key; `None` when the key would be the bucket's first.
    pub before: Option<Neighbour>,
    /// The entry after the key; `None` when the key would be the bucket's last.
    pub after: Option<Neighbour>,
}

impl AbsenceProof {
    /// The proof for `key`, or `None` when its bucket holds it. `entries` is the bucket that the
    /// key maps to and `bucket` its path.
    pub fn new(
        entry_count: u64,
        bucket: DensePath,
        entries: &[BucketEntry],
        key: &Hash,
    ) -> Option<Self> {
        let gap = entries.binary_search_by(|entry| entry.key.cmp(key)).err()?;
        let hashes = hashes(entries);
        let neighbour = |index: usize| {
            let entry = *entries.get(index)?;
            Some(Neighbour {
                entry,
                list: list_path(&hashes, index as u64),
            })
        };
        let before = gap.checked_sub(1).and_then(neighbour);
        Some(Self {
            entry_count,
            bucket,
            before,
            after: neighbour(gap),
        })
    }

    /// The names root that the proof leads to for an absent `key`. Compare it with the trusted one.
    ///
    /// # Errors
    /// [`PathError`] when the parts do not fit together, the bucket is not the key's, or the
    /// neighbours do not enclose the key.
    pub fn root(&self, key: &Hash) -> Result<Hash, PathError> {
        let list = self.list_root(key)?;
        root_of_bucket(self.entry_count, &self.bucket, &list, key)
    }

    /// Checks the proof against a trusted names root.
    ///
    /// # Errors
    /// As [`Self::root`], and [`PathError::OtherRoot`].
    pub fn verify(&self, names_root: &Hash, key: &Hash) -> Result<(), PathError> {
        expect_root(names_root, &self.root(key)?)
    }

    /// The list root of the bucket, from the neighbours, once they are known to leave no room
    /// between them but for the key.
    fn list_root(&self, key: &Hash) -> Result<Hash, PathError> {
        let encloses = self.before.as_ref().is_none_or(|n| n.entry.key < *key)
            && self.after.as_ref().is_none_or(|n| *key < n.entry.key);
        if !encloses {
            return Err(PathError::NotNeighbours);
        }
        match (&self.before, &self.after) {
            (None, None) => Ok(list_root(&[])),
            (None, Some(first)) if first.list.index == 0 => first.root(),
            (Some(last), None) if last.list.index.checked_add(1) == Some(last.list.len) => {
                last.root()
            }
            (Some(left), Some(right)) if left.is_followed_by(right) => {
                let root = left.root()?;
                if root == right.root()? {
                    Ok(root)
                } else {
                    Err(PathError::NotNeighbours)
                }
            }
            _ => Err(PathError::NotNeighbours),
        }
    }
}

impl Neighbour {
    fn root(&self) -> Result<Hash, PathError> {
        self.list.root(&self.entry.hash())
    }

    fn is_followed_by(&self, right: &Self) -> bool {
        self.list.len == right.list.len && self.list.index.checked_add(1) == Some(right.list.index)
    }
}

fn hashes(entries: &[BucketEntry]) -> Vec<Hash> {
    entries.iter().map(BucketEntry::hash).collect()
}

fn expect_root(trusted: &Hash, got: &Hash) -> Result<(), PathError> {
    if trusted == got {
        Ok(())
    } else {
        Err(PathError::OtherRoot)
    }
}

/// From a bucket's list root to the names root, if the bucket is the one that `key` maps to.
fn root_of_bucket(
    entries: u64,
    bucket: &DensePath,
    list_root: &Hash,
    key: &Hash,
) -> Result<Hash, PathError> {
    let buckets = bucket_count(entries);
    if bucket.count != buckets {
        let got = bucket.count;
        return Err(PathError::WrongBucketCount {
            entries,
            expected: buckets,
            got,
        });
    }
    let expected = bucket_index(key, buckets);
    if bucket.index != expected {
        return Err(PathError::WrongBucket {
            expected,
            got: bucket.index,
        });
    }
    let top = bucket.top(&BUCKETS, &bucket_of_list(list_root))?;
    Ok(names_root(entries, buckets, &top))
}

#[cfg(test)]
mod tests;
