//! Backup files: getting them from a node, checking them, keeping them.
//!
//! The daemon will call it; nothing does yet. Invariant: a backup that can be listed is complete, and every byte of it was read
//! and understood before it was kept. It decides nothing (no schedule, no retention) and knows no instance.

mod blocking;
mod pipeline;
mod rdb;
mod restore;
mod store;
mod tap;

pub use pipeline::{PipelineError, TakenShard, check_file, place_file, take_shard};
pub use rdb::{Checksum, ContentDigest, DigestError, Format, KeyTotals, LargestKey, Library, RdbError, RdbReader, RdbSummary};
pub use restore::{PlaceProgress, PlaceSource, PlaceTarget, Placed, PlacedFile, place_files, remove_unfinished_imports};
pub use store::{
    BackupName, BackupRef, BackupStore, BackupWriter, CollectionName, CopyProgress, Damage, FileReader, FileReceipt, ImportFile,
    Leftover, MANIFEST_VERSION, Manifest, NameError, Sha256, Sha256Error, ShardName, ShardRecord, ShardWriter, StoreError,
};
pub use tap::{Credentials, ReplicationPoint, Tap, TapError, TapFormat, TapLimits, TapRequest};
