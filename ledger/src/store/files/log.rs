//! RocksDB's log format (its wiki, "Write Ahead Log File Format"): blocks of 32 KiB; in them
//! fragments of checksum (4 bytes), length (2), type (1) and payload; a record is one fragment or
//! first, middles, last.

use super::checksum::Checksum;

const BLOCK_BYTES: usize = 32 * 1024;
const HEADER_BYTES: usize = 7;
/// A run of zeros on such a boundary is a sector that the file system promised and the disk never
/// got.
const SECTOR_BYTES: usize = 512;
/// Fewer zeros than this at the end may belong to the record: then it is damaged, not torn.
const LOST_BYTES_MIN: usize = 64;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;
/// Types that stand for themselves and carry no rows, up to the highest known.
const NOTES: std::ops::RangeInclusive<u8> = 9..=131;

/// What a log holds.
pub(super) struct Log {
    /// Whole records.
    pub records: u64,
    /// How it ends.
    pub end: LogEnd,
}

/// How a log ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LogEnd {
    /// With a whole record.
    Complete,
    /// With the beginning of a write that a crash cut short.
    Torn {
        /// Where that write begins.
        at: u64,
    },
    /// Not as any crash leaves it.
    Damaged {
        /// Where.
        at: u64,
        /// How so.
        why: &'static str,
    },
}

enum Fragment<'l> {
    Whole {
        kind: u8,
        next: usize,
    },
    /// The file ends within it.
    Short {
        crc: u32,
        kind: u8,
        payload: &'l [u8],
    },
    /// Its checksum is wrong, or it runs over its block.
    Wrong,
    /// The rest of the file is too short for a header.
    Stub,
}

/// Reads a log to its end.
pub(super) fn read_log(log: &[u8]) -> Log {
    let (mut at, mut record, mut records, mut within) = (0, 0, 0, false);
    loop {
        at = skip_trailer(at);
        if !within {
            record = at;
        }
        if at >= log.len() {
            let end = if within {
                LogEnd::Torn { at: record as u64 }
            } else {
                LogEnd::Complete
            };
            return Log { records, end };
        }
        match fragment(log, at) {
            Fragment::Whole { kind, next } if follows(kind, within) => {
                within = matches!(kind, FIRST | MIDDLE);
                records += u64::from(matches!(kind, FULL | LAST));
                at = next;
            }
            other => {
                return Log {
                    records,
                    end: judge(log, record, at, &other),
                };
            }
        }
    }
}

/// Whether the write that begins at a place of a log and is torn came to its full length, with
/// zeros where bytes were lost. One that the file ends within, or that is zeros from its beginning,
/// RocksDB passes over by itself.
pub(super) fn is_padded(log: &[u8], mut at: usize) -> bool {
    loop {
        at = skip_trailer(at);
        match log.get(at..) {
            None | Some([]) => return false,
            Some(rest) => match fragment(log, at) {
                Fragment::Whole { next, .. } => at = next,
                Fragment::Short { .. } | Fragment::Stub => return false,
                Fragment::Wrong => return rest.iter().any(|byte| *byte != 0),
            },
        }
    }
}

/// The place of the next header: what is left of a block below a header's size is zeros.
fn skip_trailer(at: usize) -> usize {
    let left = BLOCK_BYTES - at % BLOCK_BYTES;
    if left < HEADER_BYTES { at + left } else { at }
}

fn follows(kind: u8, within: bool) -> bool {
    match kind {
        MIDDLE | LAST => within,
        _ => !within,
    }
}

fn fragment(log: &[u8], at: usize) -> Fragment<'_> {
    let Some((header, rest)) = log[at..].split_first_chunk::<HEADER_BYTES>() else {
        return Fragment::Stub;
    };
    let crc = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let kind = header[6];
    let room = BLOCK_BYTES - at % BLOCK_BYTES - HEADER_BYTES;
    if length > room || !(matches!(kind, FULL..=LAST) || NOTES.contains(&kind)) {
        return Fragment::Wrong;
    }
    match rest.get(..length) {
        None => Fragment::Short {
            crc,
            kind,
            payload: rest,
        },
        Some(payload) if checksum(kind, payload) == crc => Fragment::Whole {
            kind,
            next: at + HEADER_BYTES + length,
        },
        Some(_) => Fragment::Wrong,
    }
}

fn checksum(kind: u8, payload: &[u8]) -> u32 {
    Checksum::new().add(&[kind]).add(payload).masked()
}

/// Tells a write that was cut short from damage. Cut short means: the file ends early, or sectors
/// that were never written read as zeros; and no other record begins behind it.
#[expect(clippy::match_same_arms, reason = "the order of the arms decides")]
fn judge(log: &[u8], record: usize, at: usize, found: &Fragment<'_>) -> LogEnd {
    let damaged = |why| LogEnd::Damaged { at: at as u64, why };
    if begins_behind(log, at) {
        return damaged("a record is damaged, and others follow it");
    }
    let torn = LogEnd::Torn { at: record as u64 };
    match found {
        Fragment::Stub => torn,
        // The whole payload is there: it is the length that is wrong.
        Fragment::Short { crc, kind, payload } if checksum(*kind, payload) == *crc => {
            damaged("the length of the last record is wrong")
        }
        Fragment::Short { .. } => torn,
        _ if has_lost_sector(&log[at..], at) => torn,
        _ => damaged("the last record is damaged, and was not cut short"),
    }
}

/// Whether any record begins after `at`.
fn begins_behind(log: &[u8], at: usize) -> bool {
    let begins = |place: usize| {
        matches!(log.get(place + 6), Some(&(FULL | FIRST)))
            && place % BLOCK_BYTES + HEADER_BYTES <= BLOCK_BYTES
            && matches!(fragment(log, place), Fragment::Whole { .. })
    };
    (at + 1..log.len()).any(begins)
}

/// Whether what is left was never written: zeros at its end, or a sector of zeros within. The last
/// sector of a file may be short.
fn has_lost_sector(rest: &[u8], at: usize) -> bool {
    let first = (SECTOR_BYTES - at % SECTOR_BYTES) % SECTOR_BYTES;
    let mut sectors = rest.get(first..).unwrap_or_default().chunks(SECTOR_BYTES);
    let zeros = rest.iter().rev().take_while(|byte| **byte == 0).count();
    zeros == rest.len()
        || zeros >= LOST_BYTES_MIN
        || sectors.any(|sector| sector.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of records of these sizes, as RocksDB writes it, and where each ends.
    fn write(sizes: &[usize]) -> (Vec<u8>, Vec<usize>) {
        let (mut log, mut ends) = (Vec::new(), vec![0]);
        for (number, size) in sizes.iter().enumerate() {
            let record: Vec<u8> = (0..*size)
                .map(|i| u8::try_from((i * 7 + number) % 251).unwrap() + 1)
                .collect();
            let (mut rest, mut begun) = (record.as_slice(), false);
            loop {
                let place = skip_trailer(log.len());
                log.resize(place, 0);
                let room = BLOCK_BYTES - log.len() % BLOCK_BYTES - HEADER_BYTES;
                let (part, after) = rest.split_at(room.min(rest.len()));
                let kind = match (begun, after.is_empty()) {
                    (false, true) => FULL,
                    (false, false) => FIRST,
                    (true, false) => MIDDLE,
                    (true, true) => LAST,
                };
                log.extend(checksum(kind, part).to_le_bytes());
                log.extend(u16::try_from(part.len()).unwrap().to_le_bytes());
                log.push(kind);
                log.extend(part);
                (rest, begun) = (after, true);
                if rest.is_empty() {
                    break;
                }
            }
            ends.push(log.len());
        }
        (log, ends)
    }

    #[test]
    fn a_log_cut_anywhere_is_torn_or_complete_and_never_damaged() {
        let (log, ends) = write(&[300, 80_000, 5, 900]);
        for length in (0..log.len()).step_by(13).chain(ends.iter().copied()) {
            let read = read_log(&log[..length]);
            let whole = ends[1..].iter().filter(|end| **end <= length).count() as u64;
            assert_eq!(read.records, whole, "cut at {length}");
            assert!(
                !matches!(read.end, LogEnd::Damaged { .. }),
                "cut at {length}: {:?}",
                read.end
            );
            assert_eq!(
                read.end == LogEnd::Complete,
                ends.contains(&length),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn a_log_with_any_byte_flipped_is_damaged() {
        let (log, _) = write(&[300, 40_000, 5, 900]);
        // Every byte of headers and small records, some of the long one.
        for place in (0..400)
            .chain((400..log.len() - 1_000).step_by(97))
            .chain(log.len() - 1_000..log.len())
        {
            for flip in [1, 0x80, 0xff] {
                let mut copy = log.clone();
                copy[place] ^= flip;
                let end = read_log(&copy).end;
                assert!(
                    matches!(end, LogEnd::Damaged { .. }),
                    "byte {place} ^ {flip}: {end:?}"
                );
            }
        }
    }

    #[test]
    fn a_tail_of_zeros_is_torn() {
        let (log, ends) = write(&[300, 5_000]);
        for from in (ends[1]..log.len() - LOST_BYTES_MIN).step_by(11) {
            let mut copy = log.clone();
            copy[from..].fill(0);
            let end = read_log(&copy).end;
            assert_eq!(
                end,
                LogEnd::Torn { at: ends[1] as u64 },
                "zeros from {from}"
            );
        }
    }
}
