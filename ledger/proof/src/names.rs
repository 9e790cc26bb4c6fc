//! The names tree: everything that is found by key and not by number.
//!
//! Entries live in buckets, sorted by key; buckets are the leaves of a dense tree. How many buckets
//! there are follows from the number of entries alone, so the root depends on the content and never
//! on the order in which it came. Buckets grow by linear hashing: the bucket is picked by the
//! leading bits of the key, first bit lowest, so that bucket `b` of `2^L` splits into `b` and `b +
//! 2^L`, each bucket is one contiguous range of keys, and one more bucket moves the entries of one
//! bucket only.

use chipledger_schemas::hash::{BUCKET, ENTRY, Hash, NAMES_ROOT};
use serde::{Deserialize, Serialize};

use chipledger_schemas::merkle::list_root_of;

/// Entries per bucket on average. Larger buckets cost hashing, smaller ones memory.
pub const BUCKET_LOAD: u64 = 4;
/// Buckets of the smallest tree.
pub const BUCKETS_MIN: u64 = 16;

/// One entry: digest of what names it and digest of what is known under that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketEntry {
    /// `ENTRY_KEY` digest of the name.
    pub key: Hash,
    /// `ENTRY_VALUE` digest of the content.
    pub value: Hash,
}

impl BucketEntry {
    /// Leaf of the bucket's list.
    pub fn hash(&self) -> Hash {
        ENTRY.hash_pair(&self.key, &self.value)
    }
}

/// Buckets of a tree of `entries` entries: a quarter, rounded up, and at least 16.
pub fn bucket_count(entries: u64) -> u64 {
    entries.div_ceil(BUCKET_LOAD).max(BUCKETS_MIN)
}

/// The bucket of `key` among `buckets`.
///
/// # Panics
/// When `buckets` is 0; [`bucket_count`] never is.
pub fn bucket_index(key: &Hash, buckets: u64) -> u64 {
    let (first, _) = key
        .0
        .split_first_chunk::<8>()
        .expect("a digest has 32 bytes");
    let bits = u64::from_be_bytes(*first).reverse_bits();
    let level = 1u64 << buckets.ilog2();
    let split = bits & (level - 1) | bits & level;
    if split < buckets {
        split
    } else {
        bits & (level - 1)
    }
}

/// Root of one bucket: `BUCKET` over the list root of its entries. Entries are sorted by key.
pub fn bucket_root(entries: &[BucketEntry]) -> Hash {
    bucket_of_list(&list_root_of(entries.iter().map(BucketEntry::hash)))
}

pub(crate) fn bucket_of_list(list_root: &Hash) -> Hash {
    BUCKET.hash(&list_root.0)
}

/// Root of the names tree: entry count, bucket count (8 bytes each, little endian) and top.
pub fn names_root(entry_count: u64, bucket_count: u64, top: &Hash) -> Hash {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&entry_count.to_le_bytes());
    bytes[8..16].copy_from_slice(&bucket_count.to_le_bytes());
    bytes[16..].copy_from_slice(&top.0);
    NAMES_ROOT.hash(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(leading: u64) -> Hash {
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&leading.to_be_bytes());
        Hash(bytes)
    }

    #[test]
    fn the_number_of_buckets_follows_from_the_number_of_entries() {
        for (entries, buckets) in [(0, 16), (64, 16), (65, 17), (68, 17), (69, 18)] {
            assert_eq!(bucket_count(entries), buckets);
        }
        assert_eq!(bucket_count(u64::MAX), 1 << 62);
    }

    #[test]
    fn a_split_moves_keys_of_one_bucket_to_the_new_one_only() {
        let keys: Vec<Hash> = (0..2000u64)
            .map(|i| key(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        for buckets in 1..200u64 {
            let split = buckets - (1u64 << buckets.ilog2());
            for key in &keys {
                let (before, after) = (bucket_index(key, buckets), bucket_index(key, buckets + 1));
                assert!(after == before || (before == split && after == buckets));
            }
        }
    }

    #[test]
    fn a_bucket_is_one_contiguous_range_of_keys() {
        for buckets in [1, 2, 3, 5, 16, 17, 23, 31] {
            let sequence: Vec<u64> = (0..1024)
                .map(|i| bucket_index(&key(i << 54), buckets))
                .collect();
            let mut runs = sequence.clone();
            runs.dedup();
            assert_eq!(
                runs.len() as u64,
                buckets,
                "each bucket is met once in key order"
            );
        }
    }

    #[test]
    fn the_empty_bucket_is_not_the_padding() {
        assert_ne!(bucket_root(&[]), Hash::ZERO);
    }
}
