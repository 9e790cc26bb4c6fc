//! The inner nodes of one dense tree, all levels in memory.

use chipledger_proof::dense::{Dense, levels_above};
use chipledger_schemas::hash::Hash;

/// Level 0 holds the leaves, each level above one node per two below; padding is not stored.
pub(super) struct Levels {
    tree: &'static Dense,
    levels: Vec<Vec<Hash>>,
}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Levels({} leaves, top {})",
            self.len(),
            self.top().short()
        )
    }
}

/// Nodes of one level with their index, ascending.
type Nodes = Vec<(u64, Hash)>;

/// Nodes to write, level by level, and how many leaves there are afterwards.
#[derive(Debug)]
pub(super) struct LevelChanges {
    len: u64,
    top: Hash,
    levels: Vec<Nodes>,
}

impl LevelChanges {
    /// The top afterwards.
    pub(super) fn top(&self) -> Hash {
        self.top
    }

    /// The leaves to write.
    pub(super) fn leaves(&self) -> &[(u64, Hash)] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }
}

/// Position in a level that is in memory.
fn at(index: u64) -> usize {
    usize::try_from(index).expect("a tree in memory has at most usize::MAX nodes")
}

/// Nodes of a level.
fn width(leaves: u64, level: u32) -> u64 {
    leaves.div_ceil(1 << level)
}

impl Levels {
    pub(super) fn new(tree: &'static Dense, leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        for level in 0..levels_above(levels[0].len() as u64) {
            let pair = |two: &[Hash]| tree.parent(&two[0], two.get(1).unwrap_or(&Hash::ZERO));
            let above = levels[at(level.into())].chunks(2).map(pair).collect();
            levels.push(above);
        }
        Self { tree, levels }
    }

    pub(super) fn len(&self) -> u64 {
        self.levels[0].len() as u64
    }

    pub(super) fn top(&self) -> Hash {
        let top = self.levels.last().and_then(|level| level.first());
        top.copied().unwrap_or(Hash::ZERO)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.levels
            .iter()
            .map(|level| level.capacity() * size_of::<Hash>())
            .sum()
    }

    /// Hashes beside the path of a leaf, from the leaf up.
    pub(super) fn siblings(&self, leaf: u64) -> Vec<Hash> {
        let beside = |level: usize| {
            let sibling = at((leaf >> level) ^ 1);
            self.levels[level]
                .get(sibling)
                .copied()
                .unwrap_or(Hash::ZERO)
        };
        (0..self.levels.len() - 1).map(beside).collect()
    }

    /// The changes of every level when the tree has `len` leaves and `leaves` are written. New
    /// leaves must all be among them.
    ///
    /// Level by level over the sorted nodes that changed, so that a node above many changes is
    /// hashed once.
    pub(super) fn plan(&self, len: u64, mut leaves: Nodes) -> LevelChanges {
        if len < self.len() {
            // What shrinking cuts off lies right of the last leaf, so its path is all that changes.
            let last = (len - 1, self.levels[0][at(len - 1)]);
            if leaves.last().is_none_or(|&(index, _)| index < last.0) {
                leaves.push(last);
            }
        }
        let mut levels = Vec::new();
        for level in 0..levels_above(len) {
            let above = self.parents(at(level.into()), width(len, level), &leaves);
            levels.push(std::mem::replace(&mut leaves, above));
        }
        let unchanged = self
            .levels
            .get(levels.len())
            .and_then(|level| level.first());
        let top = leaves.first().map(|&(_, top)| top);
        let top = top.or(unchanged.copied()).unwrap_or(Hash::ZERO);
        levels.push(leaves);
        LevelChanges { len, top, levels }
    }

    /// The parents of the changed nodes of a level that is `width` nodes wide afterwards.
    fn parents(&self, level: usize, width: u64, changed: &Nodes) -> Nodes {
        let stored = self.levels.get(level).map_or(&[][..], Vec::as_slice);
        let clean = |index: u64| {
            let inside = if index < width {
                stored.get(at(index))
            } else {
                None
            };
            inside.copied().unwrap_or(Hash::ZERO)
        };
        let mut parents = Vec::with_capacity(changed.len());
        let mut rest = changed.iter().peekable();
        while let Some(&(index, hash)) = rest.next() {
            let parent = if index % 2 == 1 {
                self.tree.parent(&clean(index - 1), &hash)
            } else if let Some((_, right)) = rest.next_if(|&&(next, _)| next == index + 1) {
                self.tree.parent(&hash, right)
            } else {
                self.tree.parent(&hash, &clean(index + 1))
            };
            parents.push((index / 2, parent));
        }
        parents
    }

    pub(super) fn apply(&mut self, changes: &LevelChanges) {
        self.levels.resize_with(changes.levels.len(), Vec::new);
        for (level, (nodes, changed)) in (0..).zip(self.levels.iter_mut().zip(&changes.levels)) {
            nodes.resize(at(width(changes.len, level)), Hash::ZERO);
            for &(index, hash) in changed {
                nodes[at(index)] = hash;
            }
        }
    }
}
