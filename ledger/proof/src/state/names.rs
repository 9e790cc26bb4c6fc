//! Names: which number an id has. One entry per 1,024 serials, so that a run costs one update;
//! committed in pieces of 64 serials, so that a proof is small whatever the serials are.

use chipledger_schemas::encode::encode;
use chipledger_schemas::hash::{Hash, NAMES_PIECE};
use chipledger_schemas::ids::{ItemId, ItemNumber};
use chipledger_schemas::items::Series;
use serde::{Deserialize, Serialize};

use crate::dense::NAMES;
use crate::state::Key;

/// Serials that share an entry.
pub const NAMES_PER_BLOCK: u64 = 1_024;
/// Serials that share a piece of an entry: what a proof shows of it.
pub const NAMES_PER_PIECE: u16 = 64;
/// Pieces of an entry.
const PIECES: usize = 16;
/// Hashes beside the path of a piece.
pub const PIECE_SIBLINGS: usize = 4;

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

impl NameRun {
    /// The offset behind its last serial.
    fn end(&self) -> u32 {
        u32::from(self.offset) + u32::from(self.count)
    }

    /// Whether the next run goes on where this one ends: then they are one.
    pub fn joins(&self, next: &Self) -> bool {
        self.end() == u32::from(next.offset)
            && self.first.0.checked_add(u64::from(self.count)) == Some(next.first.0)
    }
}

/// The registered serials of a block, sorted, merged as far as they go.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<NameRun>")]
pub struct Names(pub Vec<NameRun>);

/// The runs are not in their one form. Ask another peer: who sent them is faulty or lying.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("names are not in canonical form")]
pub struct NotNames;

impl TryFrom<Vec<NameRun>> for Names {
    type Error = NotNames;
    fn try_from(runs: Vec<NameRun>) -> Result<Self, NotNames> {
        // The digest is over pieces: a second form of the same names would have the same one.
        let fits = |run: &NameRun| {
            run.count > 0
                && u64::from(run.end()) <= NAMES_PER_BLOCK
                && run.first.0.checked_add(u64::from(run.count)).is_some()
        };
        let apart = |a: &NameRun, b: &NameRun| a.end() <= u32::from(b.offset) && !a.joins(b);
        if runs.iter().all(fits) && runs.is_sorted_by(apart) {
            return Ok(Self(runs));
        }
        Err(NotNames)
    }
}

impl Names {
    /// The number of the serial at `offset`, if it is registered.
    pub fn get(&self, offset: u16) -> Option<ItemNumber> {
        let after = self.0.partition_point(|run| run.offset <= offset);
        let run = self.0.get(after.checked_sub(1)?)?;
        let into = offset - run.offset;
        (into < run.count).then(|| ItemNumber(run.first.0 + u64::from(into)))
    }

    /// Top of the tree over the pieces: what the entry's digest is over.
    pub fn top(&self) -> Hash {
        NAMES.top(&self.leaves())
    }

    /// The piece that an offset lies in, and the hashes beside its path.
    pub fn piece(&self, offset: u16) -> (Self, [Hash; PIECE_SIBLINGS]) {
        let place = usize::from(offset / NAMES_PER_PIECE);
        let piece = self.pieces().into_iter().nth(place).unwrap_or_default();
        let path = NAMES.path(&self.leaves(), place as u64);
        let mut siblings = path.siblings.into_iter();
        (
            piece,
            std::array::from_fn(|_| siblings.next().unwrap_or_default()),
        )
    }

    /// The top that a piece leads to from the place of an offset.
    pub fn top_from(&self, offset: u16, siblings: &[Hash; PIECE_SIBLINGS]) -> Hash {
        let mut place = offset / NAMES_PER_PIECE;
        let mut hash = self.leaf();
        for sibling in siblings {
            hash = match place % 2 {
                0 => NAMES.parent(&hash, sibling),
                _ => NAMES.parent(sibling, &hash),
            };
            place /= 2;
        }
        hash
    }

    /// The runs of each piece, cut where pieces meet.
    fn pieces(&self) -> [Self; PIECES] {
        let mut pieces = [const { Self(Vec::new()) }; PIECES];
        for run in &self.0 {
            let mut rest = *run;
            while rest.count > 0 {
                let place = rest.offset / NAMES_PER_PIECE;
                let count = rest.count.min((place + 1) * NAMES_PER_PIECE - rest.offset);
                if let Some(piece) = pieces.get_mut(usize::from(place)) {
                    piece.0.push(NameRun { count, ..rest });
                }
                rest = NameRun {
                    offset: rest.offset + count,
                    count: rest.count - count,
                    first: ItemNumber(rest.first.0.saturating_add(u64::from(count))),
                };
            }
        }
        pieces
    }

    fn leaves(&self) -> [Hash; PIECES] {
        self.pieces().map(|piece| piece.leaf())
    }

    /// Leaf of a piece: zero for one without serials.
    fn leaf(&self) -> Hash {
        if self.0.is_empty() {
            return Hash::ZERO;
        }
        NAMES_PIECE.hash(&encode(self))
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

#[cfg(test)]
mod tests {
    use chipledger_schemas::encode::decode;

    use super::*;

    fn run(offset: u16, count: u16, first: u64) -> NameRun {
        NameRun {
            offset,
            count,
            first: ItemNumber(first),
        }
    }

    #[test]
    fn every_piece_leads_to_the_top_from_its_own_place_alone() {
        let every_other = (0..512).map(|at| run(2 * at, 1, 1_000 - u64::from(at)));
        for names in [
            Names::default(),
            Names(vec![run(0, 1_024, 7)]),
            Names(vec![run(60, 9, 7), run(1_023, 1, 99)]),
            Names(every_other.collect()),
        ] {
            for offset in (0..1_024).step_by(31) {
                let (piece, siblings) = names.piece(offset);
                assert_eq!(piece.get(offset), names.get(offset));
                assert_eq!(piece.top_from(offset, &siblings), names.top());
                let elsewhere = offset ^ NAMES_PER_PIECE;
                let same = piece.top_from(elsewhere, &siblings) == names.top();
                assert_eq!(same, siblings[0] == piece.leaf());
            }
        }
    }

    #[test]
    fn a_piece_is_small_however_scattered_the_serials_are() {
        let scattered = (0..1_024).map(|at| run(at, 1, (1 << 40) - 3 * u64::from(at)));
        let names = Names(scattered.collect());
        assert_eq!(encode(&names.piece(1_000).0).len(), 1 + 64 * (3 + 1 + 9));
        assert!(encode(&names).len() > 12_000);
    }

    #[test]
    fn names_have_one_form() {
        for wrong in [
            vec![run(5, 0, 7)],
            vec![run(5, 1_020, 7)],
            vec![run(0, u16::MAX, 7)],
            vec![run(0, 2, u64::MAX)],
            vec![run(9, 1, 7), run(5, 1, 8)],
            vec![run(5, 2, 7), run(6, 1, 20)],
            vec![run(5, 2, 7), run(7, 1, 9)],
        ] {
            assert!(decode::<Names>(&encode(&wrong)).is_err(), "{wrong:?}");
        }
        let right = vec![run(5, 2, 7), run(7, 1, 10), run(8, 1_016, 1)];
        assert_eq!(decode::<Names>(&encode(&right)), Ok(Names(right)));
    }
}
