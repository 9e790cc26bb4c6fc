//! Rows of items: eight consecutive items mostly differ in a few bytes, so each is written as what
//! differs from the one before. The leaf digests stand in front: an update rehashes one leaf, not
//! eight.

use chipledger_proof::ITEM_PAGE;
use chipledger_schemas::encode::{decode_prefix, encode_into};
use chipledger_schemas::hash::Hash;

use crate::state::{Page, StateError};

/// Bytes of a page.
pub(crate) fn encode_page(page: &Page) -> Vec<u8> {
    let mut row = Vec::with_capacity(1024);
    let is_taken = |place: &usize| !page.bytes_of(*place).is_empty();
    let taken = (0..ITEM_PAGE).filter(is_taken);
    row.push(taken.clone().fold(0, |bits: u8, place| bits | 1 << place));
    for place in taken.clone() {
        row.extend_from_slice(page.digests()[place].as_bytes());
    }
    let mut before: &[u8] = &[];
    for place in taken {
        let bytes = page.bytes_of(place);
        push_difference(&mut row, before, bytes);
        before = bytes;
    }
    row
}

/// The page in a row.
pub(crate) fn decode_page(row: &[u8]) -> Result<Page, StateError> {
    read_page(row).ok_or_else(|| StateError {
        reason: "a row of items is damaged; run audit".to_owned(),
    })
}

fn read_page(row: &[u8]) -> Option<Page> {
    let (&taken, rest) = row.split_first()?;
    let places = (0..ITEM_PAGE).filter(|place| taken & (1 << place) != 0);
    let (digests, mut rest) = rest.split_at_checked(places.clone().count() * 32)?;
    let mut page = Page::default();
    let mut before = 0..0;
    for (place, digest) in places.zip(digests.chunks_exact(32)) {
        let digest = Hash(digest.try_into().ok()?);
        page.push_stored(place, digest, |bytes| {
            let first = bytes.len();
            rest = pull_difference(rest, before.clone(), bytes)?;
            before = first..bytes.len();
            Some(())
        })?;
    }
    rest.is_empty().then_some(page)
}

/// Common front, common back, and what stands between.
fn push_difference(row: &mut Vec<u8>, before: &[u8], bytes: &[u8]) {
    let front = common_front(before, bytes);
    let room = before.len().min(bytes.len()) - front;
    let back = before.iter().rev().zip(bytes.iter().rev()).take(room);
    let back = back.take_while(|(a, b)| a == b).count();
    let middle = &bytes[front..bytes.len() - back];
    encode_into(&(front as u64, back as u64, middle.len() as u64), row);
    row.extend_from_slice(middle);
}

/// Bytes that two slices share in front, eight at a time.
fn common_front(a: &[u8], b: &[u8]) -> usize {
    let same = a.chunks_exact(8).zip(b.chunks_exact(8));
    let whole = 8 * same.take_while(|(a, b)| a == b).count();
    let rest = a[whole..].iter().zip(&b[whole..]);
    whole + rest.take_while(|(a, b)| a == b).count()
}

/// Appends the next item to `bytes`, in which the one before it stands at `before`; returns the
/// rest of the row.
fn pull_difference<'r>(
    row: &'r [u8],
    before: std::ops::Range<usize>,
    bytes: &mut Vec<u8>,
) -> Option<&'r [u8]> {
    let ((front, back, middle), rest) = decode_prefix::<(u64, u64, u64)>(row).ok()?;
    let size = |n: u64| usize::try_from(n).ok();
    let (front, back, middle) = (size(front)?, size(back)?, size(middle)?);
    if front > before.len() || back > before.len() {
        return None;
    }
    let (middle, rest) = rest.split_at_checked(middle)?;
    bytes.extend_from_within(before.start..before.start + front);
    bytes.extend_from_slice(middle);
    bytes.extend_from_within(before.end - back..before.end);
    Some(rest)
}
