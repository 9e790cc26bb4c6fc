//! The state commitment: one root over every item and every named entry.
//!
//! Items are leaves of a dense tree under their number; names are entries of buckets, and buckets
//! are leaves of a second dense tree (`chipledger-proof` defines both and checks proofs of them).
//! The inner nodes of both trees live in memory, above the *pages* of eight items and the buckets,
//! which the store keeps in rows of their own: 64 bytes per page and 64 per bucket, so about 8
//! bytes per item and 16 to 32 per entry.
//!
//! [`Commitment::plan`] says what a batch of changes does to the root and changes nothing, because
//! a candidate block may be dropped; [`Commitment::apply`] takes the plan over once the block is
//! final. The root is a function of the content alone, never of the batches that led to it.

mod buckets;
mod levels;
#[cfg(test)]
mod tests;

use chipledger_proof::dense::{BUCKETS, DensePath, ITEMS};
use chipledger_proof::{
    AbsenceProof, BucketEntry, EntryProof, ITEM_PAGE, bucket_count, bucket_index, bucket_root,
    items_root, names_root, state_root,
};
use chipledger_schemas::hash::Hash;

use buckets::{Contents, Rehash};
use levels::{LevelChanges, Levels};

/// Where buckets are read from: the store.
pub trait BucketReader {
    /// What can go wrong while reading.
    type Error: std::error::Error + 'static;

    /// The entries of bucket `index`, sorted by key; empty when the store has no such row.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn bucket(&self, index: u64) -> Result<Vec<BucketEntry>, Self::Error>;
}

/// A batch that cannot be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError<E: std::error::Error + 'static> {
    /// Pages or entries are not strictly ascending. A bug of the caller: sort and merge them first.
    #[error("{what} number {index} of the batch is not above the one before it")]
    NotAscending {
        /// `page` or `entry`.
        what: &'static str,
        /// Position in the batch.
        index: usize,
    },
    /// Items are never taken out of the tree. A bug of the caller.
    #[error("the batch leaves {after} items of {before}")]
    FewerItems {
        /// Items before.
        before: u64,
        /// Items after.
        after: u64,
    },
    /// A page beyond the items, or a new page that the batch leaves out. A bug of the caller.
    #[error("the batch does not fit {item_count} items: page {page} is missing or one too many")]
    PageGap {
        /// The page.
        page: u64,
        /// Items after the batch.
        item_count: u64,
    },
    /// A bucket could not be read. The store is damaged: stop and audit it.
    #[error("bucket {index} cannot be read")]
    Bucket {
        /// The bucket.
        index: u64,
        /// Why.
        #[source]
        source: E,
    },
}

/// The rows do not make a commitment. The store is damaged or only half written: audit it, and
/// restore a backup or rebuild the state from the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{count} {what} call for {expected} {rows}, the store has {got}")]
pub struct LoadError {
    /// `items` or `entries`.
    pub what: &'static str,
    /// How many, as the store says.
    pub count: u64,
    /// `pages` or `buckets`.
    pub rows: &'static str,
    /// Rows that follow from the count.
    pub expected: u64,
    /// Rows found.
    pub got: u64,
}

/// The inner nodes of both trees.
#[derive(Debug)]
pub struct Commitment {
    item_count: u64,
    pages: Levels,
    entry_count: u64,
    buckets: Levels,
}

/// What a batch does to the commitment, computed and not yet done.
#[derive(Debug)]
pub struct Plan {
    /// The state root afterwards.
    pub state_root: Hash,
    /// The items root afterwards.
    pub items_root: Hash,
    /// The names root afterwards.
    pub names_root: Hash,
    /// Items afterwards.
    pub item_count: u64,
    /// Entries afterwards.
    pub entry_count: u64,
    /// Every bucket whose row changes, ascending; `None` where shrinking removes the bucket.
    pub buckets: Vec<(u64, Option<Vec<BucketEntry>>)>,
    pages: LevelChanges,
    bucket_levels: LevelChanges,
}

impl Plan {
    /// Every page whose root changes, ascending, with its new root: rows for the store.
    pub fn page_roots(&self) -> &[(u64, Hash)] {
        self.pages.leaves()
    }

    /// Every bucket whose root is computed anew, ascending, with that root: rows for the store.
    pub fn bucket_roots(&self) -> &[(u64, Hash)] {
        self.bucket_levels.leaves()
    }
}

impl Default for Commitment {
    fn default() -> Self {
        Self::new()
    }
}

impl Commitment {
    /// The commitment to nothing: no items, no entries.
    pub fn new() -> Self {
        let empty = bucket_root(&[]);
        let buckets = (0..bucket_count(0)).map(|_| empty);
        Self::assemble(std::iter::empty(), 0, buckets, 0)
    }

    /// The commitment that the store's rows make: the root of every page and of every bucket
    /// ([`bucket_root`] of no entries where a bucket has no row), each in ascending order.
    ///
    /// # Errors
    /// [`LoadError`] when their number does not follow from the counts.
    pub fn load(
        page_roots: impl Iterator<Item = Hash>,
        item_count: u64,
        bucket_roots: impl Iterator<Item = Hash>,
        entry_count: u64,
    ) -> Result<Self, LoadError> {
        let loaded = Self::assemble(page_roots, item_count, bucket_roots, entry_count);
        let (expected, got) = (page_count(item_count), loaded.pages.len());
        if expected != got {
            let (what, rows) = ("items", "pages");
            return Err(LoadError {
                what,
                count: item_count,
                rows,
                expected,
                got,
            });
        }
        let (expected, got) = (bucket_count(entry_count), loaded.buckets.len());
        if expected != got {
            let (what, rows) = ("entries", "buckets");
            return Err(LoadError {
                what,
                count: entry_count,
                rows,
                expected,
                got,
            });
        }
        Ok(loaded)
    }

    fn assemble(
        page_roots: impl Iterator<Item = Hash>,
        item_count: u64,
        bucket_roots: impl Iterator<Item = Hash>,
        entry_count: u64,
    ) -> Self {
        let pages = Levels::new(&ITEMS, page_roots.collect());
        let buckets = Levels::new(&BUCKETS, bucket_roots.collect());
        Self {
            item_count,
            pages,
            entry_count,
            buckets,
        }
    }

    /// Items committed to.
    pub fn item_count(&self) -> u64 {
        self.item_count
    }

    /// Entries committed to.
    pub fn entry_count(&self) -> u64 {
        self.entry_count
    }

    /// The bucket that `key` belongs to now.
    pub fn bucket_of(&self, key: &Hash) -> u64 {
        bucket_index(key, self.buckets.len())
    }

    /// The items root.
    pub fn items_root(&self) -> Hash {
        items_root(self.item_count, &self.pages.top())
    }

    /// The names root.
    pub fn names_root(&self) -> Hash {
        names_root(self.entry_count, self.buckets.len(), &self.buckets.top())
    }

    /// The state root.
    pub fn state_root(&self) -> Hash {
        state_root(&self.items_root(), &self.names_root())
    }

    /// Memory held by inner nodes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.pages.memory_bytes() + self.buckets.memory_bytes()
    }

    /// What the commitment would be after a batch; changes nothing.
    ///
    /// `item_count` is the number of items afterwards. `pages` holds every page in which an item
    /// changes or appears with its new root ([`chipledger_proof::page_root`]); `entries` every key
    /// that is put (`Some`) or deleted (`None`; deleting what is not there does nothing). Both are
    /// strictly ascending.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn plan<R: BucketReader>(
        &self,
        reader: &R,
        item_count: u64,
        pages: &[(u64, Hash)],
        entries: &[(Hash, Option<Hash>)],
    ) -> Result<Plan, PlanError<R::Error>> {
        self.check(item_count, pages, entries)?;
        let pages = self.pages.plan(page_count(item_count), pages.to_vec());
        let mut contents = Contents::new(reader, self.buckets.len());
        let entry_count = contents.change(self.entry_count, entries)?;
        let count = bucket_count(entry_count);
        let buckets = contents.rehash(Rehash {
            before: self.buckets.len(),
            after: count,
        })?;
        let kept = buckets
            .iter()
            .filter_map(|(index, entries)| Some((*index, entries.as_ref()?)));
        let roots = kept
            .map(|(index, entries)| (index, bucket_root(entries)))
            .collect();
        let bucket_levels = self.buckets.plan(count, roots);
        let items_root = items_root(item_count, &pages.top());
        let names_root = names_root(entry_count, count, &bucket_levels.top());
        Ok(Plan {
            state_root: state_root(&items_root, &names_root),
            items_root,
            names_root,
            item_count,
            entry_count,
            buckets,
            pages,
            bucket_levels,
        })
    }

    fn check<E: std::error::Error>(
        &self,
        item_count: u64,
        pages: &[(u64, Hash)],
        entries: &[(Hash, Option<Hash>)],
    ) -> Result<(), PlanError<E>> {
        let ascending = |what, gap: Option<usize>| match gap {
            Some(before) => Err(PlanError::NotAscending {
                what,
                index: before + 1,
            }),
            None => Ok(()),
        };
        ascending(
            "page",
            pages.windows(2).position(|two| two[0].0 >= two[1].0),
        )?;
        ascending(
            "entry",
            entries.windows(2).position(|two| two[0].0 >= two[1].0),
        )?;
        if item_count < self.item_count {
            return Err(PlanError::FewerItems {
                before: self.item_count,
                after: item_count,
            });
        }
        // New items fill the last page first; every page from there on must be in the batch.
        let first = match item_count - self.item_count {
            0 => page_count(item_count),
            _ => self.item_count / ITEM_PAGE as u64,
        };
        let new = &pages[pages.partition_point(|&(page, _)| page < first)..];
        let given = new.iter().map(|&(page, _)| Some(page)).chain([None]);
        let wanted = (first..page_count(item_count)).map(Some).chain([None]);
        match wanted.zip(given).find(|(wanted, given)| wanted != given) {
            Some((Some(page), _) | (None, Some(page))) => {
                Err(PlanError::PageGap { page, item_count })
            }
            _ => Ok(()),
        }
    }

    /// Takes over a plan that this commitment made, and that no other was applied after.
    pub fn apply(&mut self, plan: &Plan) {
        self.item_count = plan.item_count;
        self.entry_count = plan.entry_count;
        self.pages.apply(&plan.pages);
        self.buckets.apply(&plan.bucket_levels);
        debug_assert_eq!(self.state_root(), plan.state_root);
    }

    /// The path of item `number`, given the leaf hashes of its page ([`Hash::ZERO`] where there is
    /// no item). Check it with [`chipledger_proof::item_to_root`].
    ///
    /// # Panics
    /// When there is no such item.
    pub fn item_path(&self, page: &[Hash; ITEM_PAGE], number: u64) -> DensePath {
        assert!(
            number < self.item_count,
            "item {number} of {}",
            self.item_count
        );
        let below = ITEMS.path(page, number % ITEM_PAGE as u64);
        let mut siblings = below.siblings;
        siblings.extend(self.pages.siblings(number / ITEM_PAGE as u64));
        DensePath {
            index: number,
            count: self.item_count,
            siblings,
        }
    }

    /// The path of a bucket: the upper part of [`EntryProof`] and [`AbsenceProof`].
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn bucket_path(&self, index: u64) -> DensePath {
        let count = self.buckets.len();
        assert!(index < count, "bucket {index} of {count}");
        DensePath {
            index,
            count,
            siblings: self.buckets.siblings(index),
        }
    }

    /// Shows that `key` is there with its value, or that it is not there.
    ///
    /// # Errors
    /// When the key's bucket cannot be read.
    pub fn prove<R: BucketReader>(&self, reader: &R, key: &Hash) -> Result<NameProof, R::Error> {
        let index = self.bucket_of(key);
        let (entries, path) = (reader.bucket(index)?, self.bucket_path(index));
        if let Ok(place) = entries.binary_search_by(|entry| entry.key.cmp(key))
            && let Some(proof) = EntryProof::new(self.entry_count, path.clone(), &entries, key)
        {
            return Ok(NameProof::Present(entries[place], proof));
        }
        let absent = AbsenceProof::new(self.entry_count, path, &entries, key);
        Ok(NameProof::Absent(
            absent.expect("a key that is not present is absent"),
        ))
    }
}

/// What [`Commitment::prove`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameProof {
    /// The entry and the proof that it is there.
    Present(BucketEntry, EntryProof),
    /// The proof that the key is not there.
    Absent(AbsenceProof),
}

/// Pages that hold `items` items.
pub fn page_count(items: u64) -> u64 {
    items.div_ceil(ITEM_PAGE as u64)
}
