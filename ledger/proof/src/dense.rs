//! Dense trees: one leaf per number, padded to a power of two.
//!
//! A subtree without any leaf is [`Hash::ZERO`], and so is the parent of two of them: padding costs
//! nothing and the depth alone follows from the count. The top does not say how many leaves there
//! are; the root that wraps it does ([`crate::items_root`], [`crate::names_root`]).

use chipledger_schemas::hash::{BUCKET_NODE, Hash, ITEM_NODE, NAMES_NODE, Purpose};
use serde::{Deserialize, Serialize};

use chipledger_schemas::merkle::PathError;

/// One kind of dense tree: the purpose of its inner nodes and its least depth.
pub struct Dense {
    node: &'static Purpose,
    depth_min: u32,
}

/// The tree over item numbers. Its lowest three levels are a page of 8 items, always complete.
pub static ITEMS: Dense = Dense {
    node: &ITEM_NODE,
    depth_min: 3,
};
/// The tree over buckets of names.
pub static BUCKETS: Dense = Dense {
    node: &BUCKET_NODE,
    depth_min: 0,
};
/// The tree over the 16 pieces of an entry of names.
pub static NAMES: Dense = Dense {
    node: &NAMES_NODE,
    depth_min: 4,
};

/// Levels above `count` leaves: the binary logarithm, rounded up.
pub fn levels_above(count: u64) -> u32 {
    if count <= 1 {
        0
    } else {
        u64::BITS - (count - 1).leading_zeros()
    }
}

impl Dense {
    /// Levels above the leaves of a tree over `count` leaves.
    pub fn depth(&self, count: u64) -> u32 {
        levels_above(count).max(self.depth_min)
    }

    /// The parent of two nodes. Empty over empty is empty.
    pub fn parent(&self, left: &Hash, right: &Hash) -> Hash {
        if *left == Hash::ZERO && *right == Hash::ZERO {
            return Hash::ZERO;
        }
        self.node.hash_pair(left, right)
    }

    /// The top over `leaves`, computed from nothing else. Cost: one hash per leaf.
    pub fn top(&self, leaves: &[Hash]) -> Hash {
        let mut level = leaves.to_vec();
        for _ in 0..self.depth(leaves.len() as u64) {
            level = self.level_above(&level);
        }
        level.first().copied().unwrap_or(Hash::ZERO)
    }

    fn level_above(&self, level: &[Hash]) -> Vec<Hash> {
        let pair = |nodes: &[Hash]| self.parent(&nodes[0], nodes.get(1).unwrap_or(&Hash::ZERO));
        level.chunks(2).map(pair).collect()
    }

    /// The path of leaf `index`, from all leaves.
    ///
    /// # Panics
    /// When there is no such leaf: the caller indexes its own tree.
    pub fn path(&self, leaves: &[Hash], index: u64) -> DensePath {
        let count = leaves.len() as u64;
        assert!(index < count, "leaf {index} of a tree of {count}");
        let mut level = leaves.to_vec();
        let mut siblings = Vec::new();
        let mut place = usize::try_from(index).expect("index of a tree in memory");
        for _ in 0..self.depth(count) {
            siblings.push(level.get(place ^ 1).copied().unwrap_or(Hash::ZERO));
            level = self.level_above(&level);
            place /= 2;
        }
        DensePath {
            index,
            count,
            siblings,
        }
    }
}

/// Shows what stands at `index` of a dense tree of `count` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DensePath {
    /// Number of the leaf, from 0.
    pub index: u64,
    /// Leaves of the tree. Bound only by the root that wraps the top.
    pub count: u64,
    /// Hashes beside the path, from the leaf up: as many as the tree is deep.
    pub siblings: Vec<Hash>,
}

impl DensePath {
    /// The top that this path leads to from `leaf`.
    ///
    /// # Errors
    /// [`PathError`] when index, count and number of siblings do not fit together.
    pub fn top(&self, tree: &Dense, leaf: &Hash) -> Result<Hash, PathError> {
        if self.index >= self.count {
            return Err(PathError::OutOfRange {
                index: self.index,
                len: self.count,
            });
        }
        let expected = tree.depth(self.count) as usize;
        if expected != self.siblings.len() {
            return Err(PathError::Siblings {
                expected,
                got: self.siblings.len(),
            });
        }
        let mut place = self.index;
        let mut hash = *leaf;
        for sibling in &self.siblings {
            hash = match place % 2 {
                0 => tree.parent(&hash, sibling),
                _ => tree.parent(sibling, &hash),
            };
            place /= 2;
        }
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|i| Hash([i + 1; 32])).collect()
    }

    #[test]
    fn every_leaf_of_every_count_has_a_path_to_the_top() {
        for tree in [&ITEMS, &BUCKETS] {
            for count in 1..40 {
                let leaves = leaves(count);
                for (index, leaf) in leaves.iter().enumerate() {
                    let path = tree.path(&leaves, index as u64);
                    assert_eq!(path.top(tree, leaf), Ok(tree.top(&leaves)));
                }
            }
        }
    }

    #[test]
    fn depth_follows_from_the_count_alone() {
        let depths = |tree: &Dense| [0, 1, 2, 3, 8, 9, 16, 17, u64::MAX].map(|n| tree.depth(n));
        assert_eq!(depths(&BUCKETS), [0, 0, 1, 2, 3, 4, 4, 5, 64]);
        assert_eq!(depths(&ITEMS), [3, 3, 3, 3, 3, 4, 4, 5, 64]);
    }

    #[test]
    fn a_path_does_not_hold_for_another_index() {
        let leaves = leaves(13);
        let top = ITEMS.top(&leaves);
        for (index, leaf) in leaves.iter().enumerate() {
            let path = ITEMS.path(&leaves, index as u64);
            for other in (0..64).filter(|&i| i != index as u64) {
                assert_ne!(
                    DensePath {
                        index: other,
                        ..path.clone()
                    }
                    .top(&ITEMS, leaf),
                    Ok(top)
                );
            }
        }
    }

    #[test]
    fn a_path_of_the_wrong_depth_is_refused() {
        let leaves = leaves(13);
        let path = ITEMS.path(&leaves, 12);
        let count = 17;
        let deeper = DensePath {
            count,
            ..path.clone()
        };
        assert_eq!(
            deeper.top(&ITEMS, &leaves[12]),
            Err(PathError::Siblings {
                expected: 5,
                got: 4
            })
        );
        let shallow = DensePath { count: 12, ..path };
        assert_eq!(
            shallow.top(&ITEMS, &leaves[12]),
            Err(PathError::OutOfRange { index: 12, len: 12 })
        );
    }

    #[test]
    fn the_two_kinds_of_tree_share_no_node() {
        let leaves = leaves(16);
        assert_ne!(ITEMS.top(&leaves), BUCKETS.top(&leaves));
    }
}
