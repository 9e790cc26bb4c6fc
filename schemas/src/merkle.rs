//! Bounded lists: a Merkle tree over an ordered list that binds index and length.
//!
//! Leaves are paired level by level; an odd last node climbs unpaired (never doubled, so no two
//! lists share a root), which gives the shape of RFC 9162 section 2.1. The root hashes the length
//! together with the top, so the length fixes the shape and the shape fixes what every index means.

use crate::hash::{Hash, LIST_LEAF, LIST_NODE, LIST_ROOT, Purpose};
use serde::{Deserialize, Serialize};

/// The proof does not prove what it is shown for. Ask another peer for a proof at the same height;
/// a peer that serves such a proof is faulty or lying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path names a leaf that its own tree does not have.
    #[error("leaf {index} is outside a tree of {len} leaves")]
    OutOfRange {
        /// Index in the path.
        index: u64,
        /// Leaves of the tree, as the path claims.
        len: u64,
    },
    /// The path has hashes too many or too few for its index and length.
    #[error("a path to this leaf has {expected} sibling hashes, got {got}")]
    Siblings {
        /// Hashes that the index and the length call for.
        expected: usize,
        /// Hashes in the path.
        got: usize,
    },
    /// The path leads to a bucket that the key does not belong to.
    #[error("the key belongs to bucket {expected}, the proof shows bucket {got}")]
    WrongBucket {
        /// Bucket that the key maps to.
        expected: u64,
        /// Bucket of the path.
        got: u64,
    },
    /// The tree has another number of buckets than its entries call for.
    #[error("{entries} entries call for {expected} buckets, the proof shows {got}")]
    WrongBucketCount {
        /// Entries, as the proof claims.
        entries: u64,
        /// Buckets that follow.
        expected: u64,
        /// Buckets of the path.
        got: u64,
    },
    /// The neighbours of an absent key are not next to each other, or do not enclose the key.
    #[error("the neighbours shown do not enclose the key")]
    NotNeighbours,
    /// The proof is sound in itself, but of another root than the one trusted.
    #[error("the proof leads to another root than the trusted one")]
    OtherRoot,
}

/// The purposes of one kind of ordered tree.
pub struct Ordered {
    /// Of a leaf: over the digest of what the list holds there.
    pub leaf: &'static Purpose,
    /// Of an inner node: over its two children.
    pub node: &'static Purpose,
    /// Of the root: over the length and the top.
    pub root: &'static Purpose,
}

const LIST: Ordered = Ordered {
    leaf: &LIST_LEAF,
    node: &LIST_NODE,
    root: &LIST_ROOT,
};

impl Ordered {
    /// Root: the length (8 bytes, little endian) and the top.
    pub fn bind(&self, len: u64, top: &Hash) -> Hash {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&len.to_le_bytes());
        bytes[8..].copy_from_slice(&top.0);
        self.root.hash(&bytes)
    }

    /// Replaces a level by the level above it.
    fn climb(&self, level: &mut Vec<Hash>) {
        let len = level.len();
        for parent in 0..len / 2 {
            level[parent] = self
                .node
                .hash_pair(&level[2 * parent], &level[2 * parent + 1]);
        }
        if len % 2 == 1 {
            level[len / 2] = level[len - 1];
        }
        level.truncate(len.div_ceil(2));
    }
}

/// Root of a list. The empty list has a root too: length 0 over [`Hash::ZERO`].
pub fn list_root(leaves: &[Hash]) -> Hash {
    list_root_of(leaves.iter().copied())
}

/// As [`list_root`], for leaves that are made on the way.
pub fn list_root_of(leaves: impl ExactSizeIterator<Item = Hash>) -> Hash {
    let mut level = Vec::with_capacity(leaves.len());
    level.extend(leaves.map(|leaf| LIST.leaf.hash(&leaf.0)));
    let len = level.len() as u64;
    while level.len() > 1 {
        LIST.climb(&mut level);
    }
    LIST.bind(len, level.first().unwrap_or(&Hash::ZERO))
}

/// The path of the leaf at `index`.
///
/// # Panics
/// When the list has no such leaf: the caller indexes its own list.
pub fn list_path(leaves: &[Hash], index: u64) -> ListPath {
    let len = leaves.len() as u64;
    assert!(index < len, "leaf {index} of a list of {len}");
    let mut level: Vec<Hash> = leaves.iter().map(|leaf| LIST.leaf.hash(&leaf.0)).collect();
    let mut siblings = Vec::new();
    let mut place = Place { index, len };
    while let Some(step) = place.climb() {
        if let Some(sibling) = step.sibling() {
            // An index of a list in memory fits a usize.
            siblings.push(level[usize::try_from(sibling).expect("index of a list in memory")]);
        }
        LIST.climb(&mut level);
    }
    ListPath {
        index,
        len,
        siblings,
    }
}

/// Where a path stands on its way up: the node's index in a level of `len` nodes.
#[derive(Clone, Copy)]
pub struct Place {
    /// Position of the node in its level, from 0.
    pub index: u64,
    /// Nodes of the level.
    pub len: u64,
}

/// What stands beside the node that a path climbs from.
pub enum Step {
    /// A sibling on the left, at this index.
    Left(u64),
    /// A sibling on the right, at this index.
    Right(u64),
    /// The odd last node: it climbs unpaired.
    Alone,
}

impl Step {
    /// Position of the sibling in its level, if there is one.
    pub fn sibling(&self) -> Option<u64> {
        match self {
            Self::Left(index) | Self::Right(index) => Some(*index),
            Self::Alone => None,
        }
    }
}

impl Place {
    /// Climbs one level; `None` at the top.
    pub fn climb(&mut self) -> Option<Step> {
        if self.len <= 1 {
            return None;
        }
        let step = match self.index {
            index if index % 2 == 1 => Step::Left(index - 1),
            index if index + 1 < self.len => Step::Right(index + 1),
            _ => Step::Alone,
        };
        self.index /= 2;
        self.len = self.len.div_ceil(2);
        Some(step)
    }

    /// Number of siblings on the way up.
    fn siblings(mut self) -> usize {
        let mut count = 0;
        while let Some(step) = self.climb() {
            count += usize::from(step.sibling().is_some());
        }
        count
    }
}

/// Shows that a leaf stands at `index` of a list of `len` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPath {
    /// Position of the leaf, from 0.
    pub index: u64,
    /// Leaves of the list.
    pub len: u64,
    /// Hashes beside the path, from the leaf up; none where an odd node climbs unpaired.
    pub siblings: Vec<Hash>,
}

impl ListPath {
    /// The list root that this path leads to from `leaf`. Compare it with the trusted one.
    ///
    /// # Errors
    /// [`PathError`] when index, length and number of siblings do not fit together.
    pub fn root(&self, leaf: &Hash) -> Result<Hash, PathError> {
        self.root_in(&LIST, leaf)
    }

    /// As [`Self::root`], for a list that is hashed for other purposes.
    pub fn root_in(&self, tree: &Ordered, leaf: &Hash) -> Result<Hash, PathError> {
        let mut place = Place {
            index: self.index,
            len: self.len,
        };
        if self.index >= self.len {
            return Err(PathError::OutOfRange {
                index: self.index,
                len: self.len,
            });
        }
        let expected = place.siblings();
        if expected != self.siblings.len() {
            return Err(PathError::Siblings {
                expected,
                got: self.siblings.len(),
            });
        }
        let mut siblings = self.siblings.iter();
        let mut hash = tree.leaf.hash(&leaf.0);
        while let Some(step) = place.climb() {
            hash = match (step, &mut siblings) {
                (Step::Alone, _) => hash,
                (Step::Left(_), rest) => rest
                    .next()
                    .map_or(hash, |left| tree.node.hash_pair(left, &hash)),
                (Step::Right(_), rest) => rest
                    .next()
                    .map_or(hash, |right| tree.node.hash_pair(&hash, right)),
            };
        }
        Ok(tree.bind(self.len, &hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|i| Hash([i + 1; 32])).collect()
    }

    #[test]
    fn every_leaf_of_every_length_has_a_path_to_the_root() {
        for count in 1..40 {
            let leaves = leaves(count);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = list_path(&leaves, index as u64);
                assert_eq!(
                    path.root(leaf),
                    Ok(list_root(&leaves)),
                    "leaf {index} of {count}"
                );
            }
        }
    }

    #[test]
    fn a_path_does_not_hold_for_another_index_or_length() {
        let leaves = leaves(11);
        let root = list_root(&leaves);
        for (index, leaf) in leaves.iter().enumerate() {
            let path = list_path(&leaves, index as u64);
            for other in (0..64).filter(|&i| i != index as u64) {
                assert_ne!(
                    ListPath {
                        index: other,
                        ..path.clone()
                    }
                    .root(leaf),
                    Ok(root)
                );
            }
            for len in (0..64).filter(|&len| len != 11) {
                assert_ne!(
                    ListPath {
                        len,
                        ..path.clone()
                    }
                    .root(leaf),
                    Ok(root)
                );
            }
        }
    }

    #[test]
    fn a_path_with_a_sibling_too_many_or_too_few_is_refused() {
        let leaves = leaves(9);
        let mut path = list_path(&leaves, 3);
        path.siblings.push(Hash::ZERO);
        assert_eq!(
            path.root(&leaves[3]),
            Err(PathError::Siblings {
                expected: 4,
                got: 5
            })
        );
        path.siblings.truncate(3);
        assert_eq!(
            path.root(&leaves[3]),
            Err(PathError::Siblings {
                expected: 4,
                got: 3
            })
        );
        path.len = 3;
        assert_eq!(
            path.root(&leaves[3]),
            Err(PathError::OutOfRange { index: 3, len: 3 })
        );
        path.len = u64::MAX;
        assert!(path.root(&leaves[3]).is_err());
    }

    #[test]
    fn lists_of_different_lengths_never_share_a_root() {
        // The doubled last leaf is the classic (Bitcoin, CVE-2012-2459); an inner node as a leaf
        // the other.
        let mut three = leaves(3);
        let root = list_root(&three);
        three.push(three[2]);
        assert_ne!(list_root(&three), root);
        let inner =
            |l: &Hash, r: &Hash| LIST_NODE.hash_pair(&LIST_LEAF.hash(&l.0), &LIST_LEAF.hash(&r.0));
        let four = leaves(4);
        let two = [inner(&four[0], &four[1]), inner(&four[2], &four[3])];
        assert_ne!(list_root(&two), list_root(&four));
        let mut roots: Vec<Hash> = (0..100)
            .map(|len| list_root(&vec![Hash::ZERO; len]))
            .collect();
        roots.sort();
        roots.dedup();
        assert_eq!(roots.len(), 100);
    }
}
