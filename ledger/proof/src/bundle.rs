//! Several leaves of one dense tree under one path: what they share is carried once.

use chipledger_schemas::hash::Hash;
use chipledger_schemas::merkle::PathError;
use serde::{Deserialize, Serialize};

use crate::dense::{Dense, DensePath};

/// Shows what stands at several indexes of a dense tree of `count` leaves. The indexes are not part
/// of it: they stand beside the leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseBundle {
    /// Leaves of the tree. Bound only by the root that wraps the top.
    pub count: u64,
    /// Hashes beside the paths that no other path gives: level by level from the leaves up, each
    /// level from left to right.
    pub siblings: Vec<Hash>,
}

impl DenseBundle {
    /// Joins single paths of one tree, in ascending order of their indexes.
    pub fn of(paths: &[DensePath]) -> Self {
        let depth = paths.first().map_or(0, |path| path.siblings.len());
        let mut nodes: Vec<(u64, &DensePath)> =
            paths.iter().map(|path| (path.index, path)).collect();
        let mut siblings = Vec::new();
        for level in 0..depth {
            for (place, (index, path)) in nodes.iter().enumerate() {
                let left = place.checked_sub(1).and_then(|left| nodes.get(left));
                let beside = if index % 2 == 0 {
                    nodes.get(place + 1)
                } else {
                    left
                };
                if beside.is_none_or(|(other, _)| *other != index ^ 1) {
                    siblings.push(path.siblings[level]);
                }
            }
            nodes.iter_mut().for_each(|(index, _)| *index /= 2);
            nodes.dedup_by_key(|(index, _)| *index);
        }
        let count = paths.first().map_or(0, |path| path.count);
        Self { count, siblings }
    }

    /// The top that the paths lead to from `leaves`: (index, leaf), strictly ascending.
    ///
    /// # Errors
    /// [`PathError`] when indexes, count and number of siblings do not fit together.
    pub fn top(&self, tree: &Dense, leaves: &[(u64, Hash)]) -> Result<Hash, PathError> {
        let outside = |index| PathError::OutOfRange {
            index,
            len: self.count,
        };
        let last = leaves.last().map_or(0, |(index, _)| *index);
        if leaves.is_empty() || last >= self.count {
            return Err(outside(last));
        }
        if let Some(pair) = leaves.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(outside(pair[1].0));
        }
        let mut siblings = self.siblings.iter();
        let mut level = leaves.to_vec();
        for _ in 0..tree.depth(self.count) {
            level = climb(tree, &level, &mut siblings).ok_or(PathError::Siblings {
                expected: self.siblings.len() + 1,
                got: self.siblings.len(),
            })?;
        }
        let extra = siblings.len();
        if extra > 0 {
            let got = self.siblings.len();
            return Err(PathError::Siblings {
                expected: got - extra,
                got,
            });
        }
        Ok(level.first().map_or(Hash::ZERO, |(_, hash)| *hash))
    }
}

/// The known nodes of the level above; `None` when a sibling is missing.
fn climb<'s>(
    tree: &Dense,
    level: &[(u64, Hash)],
    siblings: &mut impl Iterator<Item = &'s Hash>,
) -> Option<Vec<(u64, Hash)>> {
    let mut above = Vec::with_capacity(level.len());
    let mut nodes = level.iter().peekable();
    while let Some((index, hash)) = nodes.next() {
        let parent = if index % 2 == 1 {
            tree.parent(siblings.next()?, hash)
        } else {
            match nodes.next_if(|(other, _)| *other == index + 1) {
                Some((_, right)) => tree.parent(hash, right),
                None => tree.parent(hash, siblings.next()?),
            }
        };
        above.push((index / 2, parent));
    }
    Some(above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::ITEMS;

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|i| Hash([i + 1; 32])).collect()
    }

    fn bundle(leaves: &[Hash], picked: &[u64]) -> (DenseBundle, Vec<(u64, Hash)>) {
        let paths: Vec<_> = picked.iter().map(|i| ITEMS.path(leaves, *i)).collect();
        let place = |i: &u64| (*i, leaves[usize::try_from(*i).unwrap()]);
        (DenseBundle::of(&paths), picked.iter().map(place).collect())
    }

    #[test]
    fn any_choice_of_leaves_leads_to_the_top() {
        for count in 1..20_u8 {
            let leaves = leaves(count);
            for choice in 1..1_u32 << count.min(10) {
                let picked: Vec<u64> = (0..u64::from(count))
                    .filter(|i| choice & (1 << i) != 0)
                    .collect();
                if picked.is_empty() {
                    continue;
                }
                let (bundle, shown) = bundle(&leaves, &picked);
                assert_eq!(bundle.top(&ITEMS, &shown), Ok(ITEMS.top(&leaves)));
            }
        }
    }

    #[test]
    fn what_two_paths_share_is_carried_once() {
        let (bundle, _) = bundle(&leaves(64), &[8, 9]);
        assert_eq!(
            bundle.siblings.len(),
            5,
            "one level pairs them, five are shared"
        );
    }

    #[test]
    fn leaves_out_of_order_twice_or_out_of_range_are_refused() {
        let all = leaves(13);
        let (bundle, shown) = bundle(&all, &[3, 7]);
        let top = ITEMS.top(&all);
        let broken: [Vec<(u64, Hash)>; 6] = [
            vec![],
            vec![shown[1], shown[0]],
            vec![shown[0], shown[0]],
            vec![shown[0], (13, shown[1].1)],
            vec![shown[0], (6, shown[1].1)],
            vec![shown[0]],
        ];
        for leaves in broken {
            assert_ne!(bundle.top(&ITEMS, &leaves), Ok(top), "{leaves:?}");
        }
        let mut longer = bundle.clone();
        longer.siblings.push(Hash::ZERO);
        assert!(matches!(
            longer.top(&ITEMS, &shown),
            Err(PathError::Siblings { .. })
        ));
        let mut shorter = bundle;
        shorter.siblings.pop();
        assert!(matches!(
            shorter.top(&ITEMS, &shown),
            Err(PathError::Siblings { .. })
        ));
    }
}
