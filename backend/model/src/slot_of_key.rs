//! The slot of a key: CRC-16 of its name, or of the part of it in braces.

use crate::slot::{SLOT_COUNT, Slot};

/// CRC-16/XMODEM of every byte.
const TABLE: [u16; 256] = {
    const POLYNOMIAL: u16 = 0x1021;
    let mut table = [0; 256];
    let mut index: u16 = 0;
    while index < 256 {
        let (mut sum, mut bit) = (index << 8, 0);
        while bit < 8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ POLYNOMIAL };
            bit += 1;
        }
        table[index as usize] = sum;
        index += 1;
    }
    table
};

/// The part of the name that decides: what is between the first `{` and the next `}`, unless that is nothing.
fn deciding_part(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let after = &key[open + 1..];
    match after.iter().position(|byte| *byte == b'}') {
        None | Some(0) => key,
        Some(close) => &after[..close],
    }
}

/// The number of a key's slot, below [`SLOT_COUNT`].
#[must_use]
pub fn slot_of_key(key: &[u8]) -> u16 {
    let add = |sum: u16, byte: &u8| sum << 8 ^ TABLE[usize::from((sum >> 8) ^ u16::from(*byte))];
    deciding_part(key).iter().fold(0, add) % SLOT_COUNT
}

/// A key of this slot that begins like this: a number in braces decides.
#[must_use]
pub fn key_of_slot(slot: Slot, end: &str) -> String {
    // Every slot has such a number below 200,000 (tested).
    (0_u32..)
        .map(|number| format!("{{{number}}}{end}"))
        .find(|key| slot_of_key(key.as_bytes()) == slot.number())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_engine() {
        // CRC-16/XMODEM of the digits 1 to 9 is 0x31c3.
        assert_eq!(slot_of_key(b"123456789"), 0x31c3);
        assert_eq!(slot_of_key(b"foo"), 12_182);
        assert_eq!(slot_of_key(b"a{foo}b"), 12_182);
        assert_ne!(slot_of_key(b"a{}foo"), slot_of_key(b"foo"));
        assert_eq!(slot_of_key(b"{foo}{bar}"), 12_182);
        assert_eq!(slot_of_key(b""), 0);
    }

    #[test]
    fn every_slot_has_a_key() {
        let mut found = vec![false; usize::from(SLOT_COUNT)];
        (0..200_000_u32).for_each(|number| found[usize::from(slot_of_key(number.to_string().as_bytes()))] = true);
        assert!(found.iter().all(|found| *found));
        let slot = Slot::new(12_182).expect("a slot");
        assert_eq!(slot_of_key(key_of_slot(slot, ":end").as_bytes()), 12_182);
    }
}
