//! Rows of items: eight consecutive items mostly differ in a few bytes, so each is written as what
//! differs from the one before. The leaf digests stand in front: an update rehashes one leaf, not
//! eight.

use std::sync::Arc;

use chipledger_proof::ITEM_PAGE;
use chipledger_proof::state::Item;
use chipledger_schemas::encode::{decode_prefix, encode_into};
use chipledger_schemas::hash::Hash;

use crate::state::{Page, StateError};

/// Bytes of a page.
pub(crate) fn encode_page(page: &Page) -> Vec<u8> {
    let mut row = Vec::with_capacity(512);
    let taken: u8 = page
        .items
        .iter()
        .enumerate()
        .fold(0, |bits, (place, item)| {
            bits | (u8::from(item.is_some()) << place)
        });
    row.push(taken);
    for (item, digest) in page.items.iter().zip(&page.digests) {
        if item.is_some() {
            row.extend_from_slice(digest.as_bytes());
        }
    }
    let mut before: Vec<u8> = Vec::new();
    for item in page.items.iter().flatten() {
        let bytes = item.bytes();
        push_difference(&mut row, &before, &bytes);
        before = bytes;
    }
    row
}

/// The page in a row.
pub(crate) fn decode_page(row: &[u8]) -> Result<Page, StateError> {
    let short = || StateError {
        reason: "a row of items is damaged; run audit".to_owned(),
    };
    let (&taken, mut rest) = row.split_first().ok_or_else(short)?;
    let mut page = Page {
        items: vec![None; ITEM_PAGE],
        digests: [Hash::ZERO; ITEM_PAGE],
    };
    for (place, digest) in page.digests.iter_mut().enumerate() {
        if taken & (1 << place) != 0 {
            let (bytes, after) = rest.split_first_chunk::<32>().ok_or_else(short)?;
            *digest = Hash(*bytes);
            rest = after;
        }
    }
    let mut before: Vec<u8> = Vec::new();
    for (place, item) in page.items.iter_mut().enumerate() {
        if taken & (1 << place) != 0 {
            let (bytes, after) = pull_difference(rest, &before).ok_or_else(short)?;
            *item = Some(Arc::new(
                Item::from_stored_bytes(&bytes).map_err(|_| short())?,
            ));
            before = bytes;
            rest = after;
        }
    }
    if rest.is_empty() {
        Ok(page)
    } else {
        Err(short())
    }
}

/// Common front, common back, and what stands between.
fn push_difference(row: &mut Vec<u8>, before: &[u8], bytes: &[u8]) {
    let front = before.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    let room = before.len().min(bytes.len()) - front;
    let back = before.iter().rev().zip(bytes.iter().rev()).take(room);
    let back = back.take_while(|(a, b)| a == b).count();
    let middle = &bytes[front..bytes.len() - back];
    encode_into(&(front as u64, back as u64, middle.len() as u64), row);
    row.extend_from_slice(middle);
}

fn pull_difference<'r>(row: &'r [u8], before: &[u8]) -> Option<(Vec<u8>, &'r [u8])> {
    let ((front, back, middle), rest) = decode_prefix::<(u64, u64, u64)>(row).ok()?;
    let size = |n: u64| usize::try_from(n).ok();
    let (front, back, middle) = (size(front)?, size(back)?, size(middle)?);
    let mut bytes = before.get(..front)?.to_vec();
    bytes.extend_from_slice(rest.get(..middle)?);
    bytes.extend_from_slice(before.get(before.len().checked_sub(back)?..)?);
    Some((bytes, &rest[middle..]))
}
