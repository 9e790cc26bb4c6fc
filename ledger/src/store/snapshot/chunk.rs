//! A chunk: consecutive items, or consecutive entries. Where one ends depends on the state alone,
//! so that honest nodes cut the same state into the same chunks.

use chipledger_schemas::encode::{DecodeError, decode, encode};
use chipledger_schemas::hash::{Hash, SNAPSHOT_CHUNK};
use serde::{Deserialize, Serialize};

use super::CHUNK_BYTES_MAX;

/// Bytes of rows at which a chunk is closed: room for the lengths beside them.
const ROWS_BYTES: usize = CHUNK_BYTES_MAX * 3 / 4;

/// What a chunk holds, in canonical bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Chunk {
    /// Items by number.
    Items {
        /// Number of the first.
        first: u64,
        /// Their canonical bytes.
        items: Vec<Vec<u8>>,
    },
    /// Entries, ascending by key: canonical bytes of key and entry.
    Entries(Vec<(Vec<u8>, Vec<u8>)>),
}

impl Chunk {
    /// The chunk in bytes whose digest is checked.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }

    /// Its bytes and their name.
    pub(super) fn seal(&self) -> (Vec<u8>, Hash) {
        let bytes = encode(self);
        let digest = SNAPSHOT_CHUNK.hash(&bytes);
        (bytes, digest)
    }
}

/// Collects rows and gives out chunks as they fill.
#[derive(Default)]
pub(super) struct Cutter {
    first: u64,
    items: Vec<Vec<u8>>,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl Cutter {
    /// The next item; returns a chunk that was closed before it.
    pub(super) fn item(&mut self, bytes: Vec<u8>) -> Option<Chunk> {
        let closed = self.room_for(bytes.len());
        self.items.push(bytes);
        closed
    }

    /// The next entry, after all items; returns a chunk that was closed before it.
    pub(super) fn entry(&mut self, key: Vec<u8>, entry: Vec<u8>) -> Option<Chunk> {
        let closed = if self.items.is_empty() {
            self.room_for(key.len() + entry.len())
        } else {
            // Items and entries share no chunk.
            let closed = self.close();
            self.bytes = key.len() + entry.len();
            closed
        };
        self.entries.push((key, entry));
        closed
    }

    /// The last chunk.
    pub(super) fn close(&mut self) -> Option<Chunk> {
        self.bytes = 0;
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            let first = self.first;
            self.first += items.len() as u64;
            return Some(Chunk::Items { first, items });
        }
        let entries = std::mem::take(&mut self.entries);
        (!entries.is_empty()).then_some(Chunk::Entries(entries))
    }

    fn room_for(&mut self, bytes: usize) -> Option<Chunk> {
        let is_full = self.bytes > 0 && self.bytes + bytes > ROWS_BYTES;
        let closed = if is_full { self.close() } else { None };
        self.bytes += bytes;
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_chunks_within_bounds_and_none_is_lost() {
        let mut cutter = Cutter::default();
        let mut chunks = Vec::new();
        for number in 0..50_u8 {
            chunks.extend(cutter.item(vec![number; 40_000]));
        }
        for number in 0..50_u8 {
            chunks.extend(cutter.entry(vec![number], vec![number; 30_000]));
        }
        chunks.extend(cutter.close());
        let (mut items, mut entries) = (0, 0);
        for chunk in &chunks {
            let (bytes, digest) = chunk.seal();
            assert!(bytes.len() <= CHUNK_BYTES_MAX);
            assert_eq!(SNAPSHOT_CHUNK.hash(&bytes), digest);
            assert_eq!(Chunk::from_bytes(&bytes).as_ref(), Ok(chunk));
            match chunk {
                Chunk::Items { first, items: rows } => {
                    assert_eq!((*first, entries), (items, 0));
                    items += rows.len() as u64;
                }
                Chunk::Entries(rows) => entries += rows.len(),
            }
        }
        assert_eq!((items, entries, chunks.len()), (50, 50, 5));
    }
}
