//! What a file holds.

use valkyard_model::{KeySize, SLOT_COUNT, Slot, SlotSet};

use super::digest::ContentDigest;

/// What was found in a complete, valid file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdbSummary {
    /// The form of the file.
    pub format: Format,
    /// Whether the file carries a checksum; if it does, it was right.
    pub checksum: Checksum,
    /// The engine that wrote it, such as `valkey 8.0.1`, if it says so.
    pub engine: Option<String>,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Keys of all databases. Collections without elements, which engines drop when they load a file, are not counted.
    pub keys: u64,
    /// Keys that expire at some time.
    pub keys_expiring: u64,
    /// Keys that never expire, neither as a whole nor in one of their fields.
    pub keys_lasting: u64,
    /// When the first key or field of a hash expires, in milliseconds since 1970. A file loaded later than that has fewer.
    pub first_expiry_ms: Option<i64>,
    /// What the content is: the sum over all keys.
    pub digest: ContentDigest,
    /// The same over the lasting keys only: no time that passes changes it.
    pub digest_lasting: ContentDigest,
    /// Function libraries, which are no keys and not part of the digest, because each shard has all of them.
    pub libraries: Vec<Library>,
    /// Slots of the keys.
    pub slots: SlotSet,
    /// Slots that were being moved here when the file was written. Their keys belong to another shard, or to both: such a file
    /// should not become a backup.
    pub slots_importing: SlotSet,
    /// The largest key.
    pub largest: Option<LargestKey>,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// `REDIS` or `VALKEY`.
    pub magic: &'static str,
    /// Version within that family: engines up to Valkey 8.1 write 11, 9.0 and 9.1 write 80.
    pub version: u16,
}

/// The checksum at the end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// There, and right.
    Right,
    /// Not written: version 4 and older, or `rdbchecksum no`. Flipped bits within values go unnoticed.
    Absent,
}

/// A function library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// Its first line, which names engine and library: `#!lua name=mylib`. At most 256 bytes of it.
    pub first_line: String,
    /// Hash of its code.
    pub digest: ContentDigest,
}

/// The key that needs the most room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargestKey {
    /// The first 256 bytes of its name.
    pub name: Vec<u8>,
    /// Bytes of its name and elements as a client sees them; the engine needs more for keeping them.
    pub payload_bytes: u64,
    /// Memory that the engine needs for it at least, in bytes: a string is kept as it is; numbers among the elements of other
    /// values may be packed into half of their digits.
    pub memory_bytes_min: u64,
}

impl LargestKey {
    /// What is recorded of it.
    #[must_use]
    pub fn size(&self) -> KeySize {
        KeySize { name: String::from_utf8_lossy(&self.name).into_owned(), memory_bytes_min: self.memory_bytes_min }
    }
}

/// One bit for each slot.
pub(super) struct SlotMap(Box<[u64; SLOT_COUNT as usize / 64]>);

impl SlotMap {
    pub(super) fn new() -> Self {
        Self(Box::new([0; SLOT_COUNT as usize / 64]))
    }

    pub(super) fn mark(&mut self, slot: u16) {
        self.0[usize::from(slot) / 64] |= 1 << (slot % 64);
    }

    pub(super) fn to_set(&self) -> SlotSet {
        let is_marked = |slot: &u16| self.0[usize::from(*slot) / 64] >> (slot % 64) & 1 == 1;
        (0..SLOT_COUNT).filter(is_marked).filter_map(Slot::new).collect()
    }
}
