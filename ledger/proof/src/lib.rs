//! Checks proofs of the ledger without the ledger: no RocksDB, no network, no clock.
//!
//! A proof is a leaf, the hashes beside its path, and a root that the checker already trusts
//! because a quorum signed the header that holds it:
//!
//! ```text
//! header.state_root = STATE(items root, names root)
//!   items root   dense tree over item numbers                     dense, items
//!   names root   dense tree over buckets of sorted entries        names, entry
//!   what stands in the leaves                                     state
//! header.history_root = tree over all earlier header digests      history
//! header.transactions_root = bounded list                         chipledger_schemas::merkle
//! ```
//!
//! Every path binds the index of its leaf and the size of its tree, so that no proof can be read as
//! one of another place. Byte layouts are in `docs/format.md`.

pub mod bundle;
pub mod check;
pub mod dense;
pub mod entry;
pub mod file;
pub mod history;
pub mod items;
pub mod names;
pub mod shown;
pub mod state;
pub mod trust;

pub use bundle::DenseBundle;
pub use chipledger_schemas::merkle::{ListPath, PathError, list_path, list_root};
pub use dense::{Dense, DensePath};
pub use entry::{AbsenceProof, EntryProof, Neighbour};
pub use history::{HistoryNode, HistoryPath, Peaks, history_path};
pub use items::{ITEM_PAGE, item_to_root, items_root, page_root};
pub use names::{BucketEntry, bucket_count, bucket_index, bucket_root, names_root};

use chipledger_schemas::hash::{Hash, STATE};

/// The state root of a header: the items root and the names root.
pub fn state_root(items_root: &Hash, names_root: &Hash) -> Hash {
    STATE.hash_pair(items_root, names_root)
}
