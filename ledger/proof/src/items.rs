//! The items tree: the state of item number `n` is leaf `n` of a dense tree.
//!
//! Eight consecutive numbers are a page, the unit in which the store keeps leaves and the lowest
//! three levels of the tree. Numbers are given out without gaps and never again, so the count says
//! which items exist.

use chipledger_schemas::hash::{Hash, ITEMS_ROOT};

use crate::dense::{DensePath, ITEMS};
use chipledger_schemas::merkle::PathError;

/// Items of one page.
pub const ITEM_PAGE: usize = 8;

/// The root of a page from its leaf hashes; [`Hash::ZERO`] where there is no item.
pub fn page_root(leaves: &[Hash; ITEM_PAGE]) -> Hash {
    let mut level = *leaves;
    let mut len = ITEM_PAGE / 2;
    while len > 0 {
        for parent in 0..len {
            level[parent] = ITEMS.parent(&level[2 * parent], &level[2 * parent + 1]);
        }
        len /= 2;
    }
    level[0]
}

/// Root of the items tree: item count (8 bytes, little endian) and top.
pub fn items_root(item_count: u64, top: &Hash) -> Hash {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&item_count.to_le_bytes());
    bytes[8..].copy_from_slice(&top.0);
    ITEMS_ROOT.hash(&bytes)
}

/// The items root that `path` leads to from an item's leaf hash. Its `index` is the item's number.
///
/// # Errors
/// [`PathError`] when the path does not fit its own index and count.
pub fn item_to_root(path: &DensePath, leaf: &Hash) -> Result<Hash, PathError> {
    Ok(items_root(path.count, &path.top(&ITEMS, leaf)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_lowest_part_of_the_items_tree() {
        for present in 0..=8u8 {
            let mut page = [Hash::ZERO; 8];
            (0..present).for_each(|i| page[usize::from(i)] = Hash([i + 1; 32]));
            assert_eq!(page_root(&page), ITEMS.top(&page[..usize::from(present)]));
        }
    }

    #[test]
    fn the_count_is_bound() {
        let leaves: Vec<Hash> = (1..=5).map(|i| Hash([i; 32])).collect();
        let path = ITEMS.path(&leaves, 4);
        let root = items_root(5, &ITEMS.top(&leaves));
        assert_eq!(item_to_root(&path, &leaves[4]), Ok(root));
        assert_ne!(
            item_to_root(&DensePath { count: 6, ..path }, &leaves[4]),
            Ok(root)
        );
        assert_ne!(items_root(6, &ITEMS.top(&leaves)), root);
    }
}
