//! Files to restore from.

use crate::store::{BackupRef, BackupStore, FileReader, ImportFile, ShardRecord, StoreError};

/// A file to restore from, opened when its turn comes.
#[derive(Clone, Debug)]
pub enum PlaceSource {
    /// A file of a backup. It must be as its record says.
    Kept {
        /// Where the backup is.
        store: BackupStore,
        /// Which it is.
        backup: BackupRef,
        /// The record of the file in its manifest.
        shard: Box<ShardRecord>,
    },
    /// A file made elsewhere.
    Imported(ImportFile),
}

impl PlaceSource {
    /// Its name for people: a path in the store, or a URL.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Kept { backup, shard, .. } => format!("{backup}/{}", shard.file),
            Self::Imported(file) => file.url().to_owned(),
        }
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Kept { shard, .. } => shard.bytes,
            Self::Imported(file) => file.bytes(),
        }
    }

    pub(super) async fn open(&self) -> Result<FileReader, StoreError> {
        match self {
            Self::Kept { store, backup, shard } => store.read(backup, shard).await,
            Self::Imported(file) => file.read().await,
        }
    }
}
