//! Reading RDB files: the engine's own form of its data on disk and on the wire.
//!
//! The pipeline feeds it whatever a node or a store sends, chunk by chunk; it says what the file holds and what the content
//! is, as a digest that does not depend on how the engine chose to encode it. Invariant: no bytes make it panic, and memory
//! follows the bytes that came, never a length that a file claims. Strings of any size pass through; only packed containers
//! (listpacks and their forerunners, some kilobytes each unless an engine was told otherwise) and names of keys are held
//! whole. For a restore it also records the bytes of each key for the shard that shall have it. It does not load anything and
//! does not look for the same key twice in one file.

mod digest;
mod error;
mod file;
mod input;
mod intset;
mod keys;
mod listpack;
mod lzf;
mod owners;
mod packed;
mod reader;
mod splitter;
mod stream;
mod strings;
mod summary;
mod tape;
mod totals;
mod value;
mod write;
mod ziplist;

pub use digest::{ContentDigest, DigestError};
pub use error::RdbError;
pub(crate) use file::Contents;
pub(crate) use owners::Owners;
pub use reader::RdbReader;
pub(crate) use splitter::RdbSplitter;
pub use summary::{Checksum, Format, LargestKey, Library, RdbSummary};
pub(crate) use tape::Recorded;
pub use totals::KeyTotals;
pub(crate) use write::{Ending, HEADER_BYTES, format_for, header};
