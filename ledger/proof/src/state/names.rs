//! Names: which number an id has. One entry per 1,024 serials, so that a run costs one update.

use chipledger_schemas::ids::{ItemId, ItemNumber};
use chipledger_schemas::items::Series;
use serde::{Deserialize, Serialize};

use crate::state::Key;

/// Serials that share an entry.
pub const NAMES_PER_BLOCK: u64 = 1_024;

/// Consecutive serials of a block that have consecutive numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct NameRun {
    /// First serial, counted from the block's first.
    pub offset: u16,
    /// How many.
    pub count: u16,
    /// Number of the first.
    pub first: ItemNumber,
}

/// The registered serials of a block, sorted, merged as far as they go.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Names(pub Vec<NameRun>);

impl Names {
    /// The number of the serial at `offset`, if it is registered.
    pub fn get(&self, offset: u16) -> Option<ItemNumber> {
        let after = self.0.partition_point(|run| run.offset <= offset);
        let run = self.0.get(after.checked_sub(1)?)?;
        let into = offset - run.offset;
        (into < run.count).then(|| ItemNumber(run.first.0 + u64::from(into)))
    }
}

/// Under which entry, and at which offset, an id's number stands.
pub fn name_slot(id: &ItemId) -> (Key, u16) {
    let (series, number) = Series::split(id);
    let offset = u16::try_from(number % NAMES_PER_BLOCK).unwrap_or(0);
    (
        Key::Names {
            series,
            block: number / NAMES_PER_BLOCK,
        },
        offset,
    )
}
