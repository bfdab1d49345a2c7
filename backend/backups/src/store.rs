//! Keeping backups: in a local folder, an S3-compatible store or Google Cloud Storage, all alike.
//!
//! A backup is `<collection>/<backup>/<shard>.rdb` for each shard and `manifest.json`, which is written last and deleted
//! first. Invariant: what has no manifest does not exist; what has one is complete, and every file of it has the length and
//! SHA-256 that the manifest says, or reading it fails. Two writers of the same backup at once are the caller's mistake. The
//! daemon's backup work calls it; it decides neither what to keep nor for how long.

mod catalogue;
mod copy;
mod error;
mod import;
mod local;
mod location;
mod manifest;
mod names;
mod options;
mod read;
mod sha256;
mod write;

pub use catalogue::Leftover;
pub use copy::CopyProgress;
pub use error::{Damage, StoreError};
pub use import::ImportFile;
pub use location::BackupStore;
pub use manifest::{IDENTITY_ATTRIBUTE, MANIFEST_VERSION, Manifest, ShardRecord};
pub use names::{BackupName, BackupRef, CollectionName, NameError, ShardName};
pub use options::{OptionError, StoreOptions};
pub use read::FileReader;
pub(crate) use sha256::Tally;
pub use sha256::{Sha256, Sha256Error};
pub use write::{BackupWriter, FileReceipt, ShardWriter};
