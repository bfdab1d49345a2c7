//! Backup files: getting them from a node, checking them, keeping them.
//!
//! The daemon will call it; nothing does yet. Invariant: a backup that can be listed is complete, and every byte of it was read
//! and understood before it was kept. It decides nothing (no schedule, no retention) and knows no instance.

mod rdb;
mod tap;

pub use rdb::{Checksum, ContentDigest, DigestError, Format, LargestKey, Library, RdbError, RdbReader, RdbSummary};
pub use tap::{Credentials, ReplicationPoint, Tap, TapError, TapFormat, TapLimits, TapRequest};
