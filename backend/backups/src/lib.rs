//! Backup files: getting them from a node, checking them, keeping them.
//!
//! The loops of instances and the keeper call it. Invariant: a backup that can be listed is complete, and every byte of it was read
//! and understood before it was kept. It decides nothing (no schedule, no retention) and knows no instance.

mod background;
mod blocking;
mod fault;
mod inspect;
mod job;
mod pipeline;
mod place;
mod placement;
mod rdb;
mod restore;
mod store;
mod tap;

pub use background::Background;
pub use inspect::inspect_node;
pub use job::{Job, JobFailure, Moved, Progress};
pub use pipeline::{PipelineError, TakenShard, check_file, place_tap, take_shard};
pub use place::place_of;
pub use rdb::{Checksum, ContentDigest, DigestError, Format, KeyTotals, LargestKey, Library, RdbError, RdbReader, RdbSummary};
pub use restore::{
    PlaceProgress, PlaceSource, PlaceTarget, Placed, PlacedFile, place_files, place_whole, remove_unfinished_imports,
};
pub use store::{
    BackupName, BackupRef, BackupStore, BackupWriter, CollectionName, CopyProgress, Damage, FileReader, FileReceipt,
    IDENTITY_ATTRIBUTE, ImportFile, Leftover, MANIFEST_VERSION, Manifest, NameError, OptionError, Sha256, Sha256Error, ShardName,
    ShardRecord, ShardWriter, StoreError, StoreOptions,
};
pub use tap::{Credentials, Tap, TapError, TapFormat, TapLimits, TapRequest};
