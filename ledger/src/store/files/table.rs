//! RocksDB's table format (its wiki, "Rocksdb BlockBasedTable Format", format version 5): the parts
//! that reading rows does not touch. Blocks of rows and their index are read, and so checked, with
//! the rows.

use super::checksum::Checksum;

const FOOTER_BYTES: usize = 53;
const MAGIC: u64 = 0x88e2_41b7_85f4_cff7;
const FORMAT: u32 = 5;
/// Checksum type CRC-32C; the column options choose it.
const CRC32C: u8 = 1;
/// A block ends with its compression type and its checksum.
const TRAILER_BYTES: usize = 5;

/// Where a block lies, trailer not counted.
#[derive(Clone, Copy)]
struct Handle {
    offset: usize,
    size: usize,
}

/// Checks footer, index and every block that the footer leads to, and that they fill the file's
/// end.
pub(super) fn check_table(table: &[u8]) -> Result<(), String> {
    let body = table
        .len()
        .checked_sub(FOOTER_BYTES)
        .ok_or("too short for a table")?;
    let (meta, index) = check_footer(&table[body..])?;
    let mut blocks = vec![meta, index];
    let entries = check_block(table, meta, "the directory of blocks")?;
    check_block(table, index, "the index")?;
    for handle in meta_handles(entries).ok_or("the directory of blocks makes no sense")? {
        check_block(table, handle, "a block beside the rows")?;
        blocks.push(handle);
    }
    // Blocks follow each other without gaps, so that every byte behind the rows is covered.
    blocks.sort_unstable_by_key(|block| block.offset);
    let mut end = blocks[0].offset;
    for block in blocks {
        if block.offset != end {
            return Err(format!(
                "bytes {end} to {} belong to no block",
                block.offset
            ));
        }
        end = block.offset + block.size + TRAILER_BYTES;
    }
    if end == body {
        Ok(())
    } else {
        Err(format!("bytes {end} to {body} belong to no block"))
    }
}

fn check_footer(footer: &[u8]) -> Result<(Handle, Handle), String> {
    let wrong = |what: &str| Err(format!("the footer is damaged: {what}"));
    let (version, magic) = footer[41..].split_at(4);
    if magic != MAGIC.to_le_bytes() || version != FORMAT.to_le_bytes() || footer[0] != CRC32C {
        return wrong("its magic number, version or kind of checksum");
    }
    let mut rest = &footer[1..41];
    let (Some(meta), Some(index)) = (handle(&mut rest), handle(&mut rest)) else {
        return wrong("its handles");
    };
    if rest.iter().any(|byte| *byte != 0) {
        return wrong("its padding");
    }
    Ok((meta, index))
}

/// The contents of a block whose checksum is right.
fn check_block<'t>(table: &'t [u8], block: Handle, what: &str) -> Result<&'t [u8], String> {
    let end = block
        .offset
        .checked_add(block.size)
        .and_then(|end| end.checked_add(TRAILER_BYTES));
    let bytes = end.and_then(|end| table.get(block.offset..end));
    let wrong = || format!("{what} at byte {} is damaged", block.offset);
    let bytes = bytes.ok_or_else(wrong)?;
    let (covered, stored) = bytes.split_at(block.size + 1);
    if Checksum::new().add(covered).masked().to_le_bytes() == *stored {
        Ok(&covered[..block.size])
    } else {
        Err(wrong())
    }
}

/// Handles in the directory of blocks: entries of shared, unshared and value length, key, and
/// handle.
fn meta_handles(entries: &[u8]) -> Option<Vec<Handle>> {
    let (body, count) = entries.split_last_chunk::<4>()?;
    let restarts = usize::try_from(u32::from_le_bytes(*count))
        .ok()?
        .checked_mul(4)?;
    let mut rest = body.get(..body.len().checked_sub(restarts)?)?;
    let mut handles = Vec::new();
    while !rest.is_empty() {
        let (_, unshared, value) = (varint(&mut rest)?, varint(&mut rest)?, varint(&mut rest)?);
        let mut bytes = rest.get(unshared..unshared.checked_add(value)?)?;
        rest = &rest[unshared + value..];
        handles.push(handle(&mut bytes)?);
    }
    Some(handles)
}

fn handle(rest: &mut &[u8]) -> Option<Handle> {
    Some(Handle {
        offset: varint(rest)?,
        size: varint(rest)?,
    })
}

fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}
