//! Why a file is not one that can be kept or loaded.

use valkyard_model::SlotSet;

/// What is wrong with the bytes of an RDB file. Offsets count bytes from the beginning of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RdbError {
    /// It does not begin as an RDB file does.
    #[error("not an RDB file: it begins with \"{found}\" instead of REDIS or VALKEY and a version")]
    NotRdb {
        /// Its first bytes, escaped.
        found: String,
    },
    /// It was written by an engine newer than this reader knows.
    #[error(
        "RDB version {version} of {magic} is not known here; the newest known is {newest}: take the backup from an older engine"
    )]
    Unknown {
        /// The family: `REDIS` or `VALKEY`.
        magic: &'static str,
        /// Its version.
        version: u16,
        /// The newest version of that family that is known.
        newest: u16,
    },
    /// It ends too early.
    #[error("truncated after {offset} bytes, where {expected} should follow")]
    Truncated {
        /// Bytes there are.
        offset: u64,
        /// What should come next.
        expected: &'static str,
    },
    /// Its bytes are not those that were written.
    #[error("checksum wrong: the {offset} bytes before the trailer give {computed:016x}, the trailer says {stored:016x}")]
    Checksum {
        /// Bytes that the checksum covers.
        offset: u64,
        /// What the trailer says.
        stored: u64,
        /// What the bytes give.
        computed: u64,
    },
    /// Something that no engine writes.
    #[error("corrupt at offset {offset}: expected {expected}")]
    Corrupt {
        /// Where.
        offset: u64,
        /// What an engine would have written there.
        expected: &'static str,
    },
    /// A kind of value that is not known.
    #[error("value type or opcode {code} at offset {offset} is not known in RDB version {version}")]
    UnknownCode {
        /// Where.
        offset: u64,
        /// The byte.
        code: u8,
        /// Version of the file.
        version: u16,
    },
    /// Data of an engine module, which only that module can read.
    #[error(
        "data of the module type {name} at offset {offset}: only an engine with that module can load this file; remove its keys first"
    )]
    Module {
        /// Where.
        offset: u64,
        /// The type's name, nine letters.
        name: String,
    },
    /// Keys outside database 0, where a cluster has none. Only a file that is divided among shards is refused for it.
    #[error(
        "a key of database {database} at offset {offset}: a cluster has only database 0; move the keys there and write the file anew"
    )]
    Database {
        /// Where.
        offset: u64,
        /// The database.
        database: u64,
    },
    /// Slots were being moved to the node when it wrote the file: nobody can say whether their keys are complete. Only a file
    /// that is divided among shards is refused for it.
    #[error("written while slots {slots} were being moved, as offset {offset} says: take the file again after that")]
    Importing {
        /// Where.
        offset: u64,
        /// The slots.
        slots: SlotSet,
    },
    /// A key that no shard would take. Only a file that is divided among shards is refused for it.
    #[error("the key at offset {offset} is of slot {slot}, which none of the shards has: give each slot to one shard")]
    Unowned {
        /// Where.
        offset: u64,
        /// The slot.
        slot: u16,
    },
}
