//! CRC-32C (Castagnoli, RFC 3720 appendix B.4) as RocksDB stores it, eight bytes a step.

const POLYNOMIAL: u32 = 0x82f6_3b78;
/// Added to a rotated checksum so that a checksum over bytes with checksums in them stays strong.
const MASK_DELTA: u32 = 0xa282_ead8;

static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & 0_u32.wrapping_sub(crc & 1));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut byte = 0;
    while byte < 256 {
        let mut table = 1;
        while table < 8 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            table += 1;
        }
        byte += 1;
    }
    tables
}

/// A checksum under way.
#[derive(Clone, Copy)]
pub(super) struct Checksum(u32);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(u32::MAX)
    }

    pub(super) fn add(self, bytes: &[u8]) -> Self {
        let mut crc = self.0;
        let (steps, rest) = bytes.as_chunks::<8>();
        for step in steps {
            let word = u64::from_le_bytes(*step) ^ u64::from(crc);
            crc = 0;
            for (table, byte) in TABLES.iter().rev().zip(word.to_le_bytes()) {
                crc ^= table[usize::from(byte)];
            }
        }
        for byte in rest {
            crc = (crc >> 8) ^ TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)];
        }
        Self(crc)
    }

    /// As it is stored.
    pub(super) fn masked(self) -> u32 {
        (!self.0).rotate_right(15).wrapping_add(MASK_DELTA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_published_values() {
        let plain = |bytes: &[u8]| !Checksum::new().add(bytes).0;
        assert_eq!(plain(b"123456789"), 0xe306_9283);
        assert_eq!(plain(&[0; 32]), 0x8a91_36aa);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(plain(&ascending), 0x46dd_794e);
    }
}
