//! The history tree: an append-only tree over the digests of all earlier headers.
//!
//! It has the shape of RFC 9162 section 2.1, so a later root can be shown to extend an earlier one.
//! [`Peaks`] is all that the ledger must carry to append: the roots of the complete subtrees,
//! largest first, one per 1-bit of the length. A complete subtree never changes, so a store that
//! keeps the nodes that [`Peaks::append`] returns can prove any header at any length.

use chipledger_schemas::hash::{HISTORY_LEAF, HISTORY_NODE, HISTORY_ROOT, Hash};
use serde::{Deserialize, Serialize};

use chipledger_schemas::merkle::PathError;
use chipledger_schemas::merkle::{ListPath, Ordered, Place};

const HISTORY: Ordered = Ordered {
    leaf: &HISTORY_LEAF,
    node: &HISTORY_NODE,
    root: &HISTORY_ROOT,
};

/// The growing edge of the history tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Peaks {
    len: u64,
    peaks: Vec<Hash>,
}

/// What [`Peaks`] looks like in bytes, before it is known to be whole.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    len: u64,
    peaks: Vec<Hash>,
}

/// A history has one peak per 1-bit of its length. The bytes are damaged or forged: fetch them
/// anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a history of {len} headers does not have {peaks} peaks")]
pub struct NotPeaks {
    /// Headers, as the bytes claim.
    pub len: u64,
    /// Peaks given.
    pub peaks: usize,
}

impl TryFrom<Parts> for Peaks {
    type Error = NotPeaks;
    fn try_from(parts: Parts) -> Result<Self, NotPeaks> {
        if parts.len.count_ones() as usize != parts.peaks.len() {
            return Err(NotPeaks {
                len: parts.len,
                peaks: parts.peaks.len(),
            });
        }
        Ok(Self {
            len: parts.len,
            peaks: parts.peaks,
        })
    }
}

impl From<Peaks> for Parts {
    fn from(peaks: Peaks) -> Self {
        Self {
            len: peaks.len,
            peaks: peaks.peaks,
        }
    }
}

/// A complete subtree over headers `index * 2^level .. (index + 1) * 2^level`; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryNode {
    /// Height above the leaves.
    pub level: u8,
    /// Position among the nodes of its level, from 0.
    pub index: u64,
    /// Its digest.
    pub hash: Hash,
}

impl Peaks {
    /// The history before the first header.
    pub fn new() -> Self {
        Self::default()
    }

    /// Headers so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no header yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a header's digest. Returns the nodes that became complete, lowest first: the leaf
    /// and every subtree that it closes.
    pub fn append(&mut self, header: &Hash) -> Vec<HistoryNode> {
        let (mut level, mut index) = (0, self.len);
        let mut hash = HISTORY.leaf.hash(&header.0);
        let mut nodes = vec![HistoryNode { level, index, hash }];
        // One peak merges per trailing 1-bit of the length, as in a binary increment.
        while index % 2 == 1 {
            let left = self.peaks.pop().expect("one peak per 1-bit of the length");
            hash = HISTORY.node.hash_pair(&left, &hash);
            level += 1;
            index /= 2;
            nodes.push(HistoryNode { level, index, hash });
        }
        self.peaks.push(hash);
        self.len += 1;
        nodes
    }

    /// The edge of a history of `len` headers; `node(level, index)` returns a complete subtree as
    /// [`Self::append`] gave it out.
    ///
    /// # Errors
    /// Whatever `node` returns.
    pub fn of<E>(len: u64, mut node: impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Self, E> {
        let mut peaks = Vec::new();
        for (level, index) in places(len) {
            peaks.push(node(level, index)?);
        }
        Ok(Self { len, peaks })
    }

    /// The complete subtrees that make the edge, largest first: what a store keeps that begins
    /// here.
    pub fn nodes(&self) -> Vec<HistoryNode> {
        let node = |((level, index), hash): ((u8, u64), &Hash)| HistoryNode {
            level,
            index,
            hash: *hash,
        };
        places(self.len).zip(&self.peaks).map(node).collect()
    }

    /// The history root: length and top. Peaks are joined from the smallest up.
    pub fn root(&self) -> Hash {
        let join = |right: Hash, left: &Hash| HISTORY.node.hash_pair(left, &right);
        let mut smallest_first = self.peaks.iter().rev();
        let top = match smallest_first.next() {
            None => Hash::ZERO,
            Some(last) => smallest_first.fold(*last, join),
        };
        HISTORY.bind(self.len, &top)
    }
}

/// Where the complete subtrees of a history of `len` headers stand, largest first: one per 1-bit.
fn places(len: u64) -> impl Iterator<Item = (u8, u64)> {
    let bits = (0_u8..64).rev().filter(move |level| len >> level & 1 == 1);
    // Before a peak lie all larger ones: the higher bits of the length.
    bits.map(move |level| (level, (len >> level) - 1))
}

/// Shows that a header is number `index` of a history of `len` headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HistoryPath(pub ListPath);

impl HistoryPath {
    /// The history root that the path leads to from a header's digest. Compare it with the trusted
    /// one.
    ///
    /// # Errors
    /// [`PathError`] when index, length and number of siblings do not fit together.
    pub fn root(&self, header: &Hash) -> Result<Hash, PathError> {
        self.0.root_in(&HISTORY, header)
    }
}

/// The path of header `index` in a history of `len` headers. `node(level, index)` returns a
/// complete subtree as [`Peaks::append`] gave it out; about `2 log2(len)` are read.
///
/// # Errors
/// Whatever `node` returns.
///
/// # Panics
/// When `index` is not below `len`: the caller asks about its own history.
pub fn history_path<E>(
    len: u64,
    index: u64,
    mut node: impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<HistoryPath, E> {
    assert!(index < len, "header {index} of a history of {len}");
    let mut place = Place { index, len };
    let mut siblings = Vec::new();
    let mut level = 0;
    while let Some(step) = place.climb() {
        if let Some(sibling) = step.sibling() {
            siblings.push(subtree(len, level, sibling, &mut node)?);
        }
        level += 1;
    }
    Ok(HistoryPath(ListPath {
        index,
        len,
        siblings,
    }))
}

/// A node of the tree over `len` headers; an incomplete one is joined from complete ones.
fn subtree<E>(
    len: u64,
    level: u8,
    index: u64,
    node: &mut impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    if (index + 1) << level <= len {
        return node(level, index);
    }
    let left = subtree(len, level - 1, 2 * index, node)?;
    if (2 * index + 1) << (level - 1) >= len {
        return Ok(left);
    }
    let right = subtree(len, level - 1, 2 * index + 1, node)?;
    Ok(HISTORY.node.hash_pair(&left, &right))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn an_edge_is_made_again_from_its_nodes() {
        let mut peaks = Peaks::new();
        let mut nodes = BTreeMap::new();
        for len in 0..70_u8 {
            let read = |level, index| Ok::<_, Infallible>(nodes[&(level, index)]);
            assert_eq!(Peaks::of(u64::from(len), read), Ok(peaks.clone()));
            for node in peaks.nodes() {
                assert_eq!(nodes[&(node.level, node.index)], node.hash);
            }
            for node in peaks.append(&Hash([len; 32])) {
                nodes.insert((node.level, node.index), node.hash);
            }
        }
    }

    fn header(i: u64) -> Hash {
        HISTORY_LEAF.hash(&i.to_le_bytes())
    }

    /// RFC 9162 section 2.1.1, word for word: split at the largest power of two below the length.
    fn model(headers: &[Hash]) -> Hash {
        match headers {
            [] => Hash::ZERO,
            [one] => HISTORY_LEAF.hash(&one.0),
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                HISTORY_NODE.hash_pair(&model(left), &model(right))
            }
        }
    }

    #[test]
    fn appending_gives_the_tree_of_rfc_9162_and_every_header_is_provable_at_every_length() {
        let mut peaks = Peaks::new();
        let mut headers = Vec::new();
        let mut nodes = BTreeMap::new();
        for len in 0..70 {
            assert_eq!(peaks.root(), HISTORY.bind(len, &model(&headers)));
            for index in 0..len {
                let read = |level, index| Ok::<_, Infallible>(nodes[&(level, index)]);
                let Ok(path) = history_path(len, index, read);
                assert_eq!(path.root(&header(index)), Ok(peaks.root()));
                assert_ne!(path.root(&header(index + 1)), Ok(peaks.root()));
            }
            headers.push(header(len));
            for node in peaks.append(&header(len)) {
                assert!(nodes.insert((node.level, node.index), node.hash).is_none());
            }
            assert_eq!(peaks.len(), len + 1);
        }
    }

    #[test]
    fn peaks_that_do_not_fit_their_length_are_refused() {
        let mut peaks = Peaks::new();
        (0..5).for_each(|i| drop(peaks.append(&header(i))));
        let text = serde_json::to_string(&peaks).expect("peaks are JSON");
        assert_eq!(
            serde_json::from_str::<Peaks>(&text).expect("read back"),
            peaks
        );
        let forged = text.replace("\"len\":5", "\"len\":7");
        assert!(serde_json::from_str::<Peaks>(&forged).is_err());
    }
}
