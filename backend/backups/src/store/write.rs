//! Writing a backup: begin, a writer for each shard, commit.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, WriteMultipart};

use super::error::StoreError;
use super::local;
use super::location::BackupStore;
use super::manifest::Manifest;
use super::names::{BackupRef, ShardName};
use super::sha256::{Sha256, Tally};

/// Size of the parts of an upload: S3 takes 10,000 parts of a file, so a shard's file may have 80 GiB. What is shorter than
/// one goes at once.
const PART_BYTES: usize = 8 << 20;
/// The same for a folder of this machine, which takes any number of parts: small enough that processors keep them close.
const PART_BYTES_LOCAL: usize = 1 << 20;
/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 3;
/// What the writer of a file holds: the parts on their way and the one being filled.
const HELD_MB: u32 = 32;
const HELD_MB_LOCAL: u32 = 4;

/// A backup being written. Nothing of it exists for others until [`BackupWriter::commit`].
#[derive(Debug)]
pub struct BackupWriter {
    store: BackupStore,
    backup: BackupRef,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReceipt {
    /// Its name within the backup.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: Sha256,
}

impl BackupStore {
    /// Begins a backup. What an earlier attempt of the same name left behind is removed.
    ///
    /// # Errors
    /// `Exists` when there is one of that name, else see [`StoreError`].
    pub async fn begin(&self, backup: &BackupRef) -> Result<BackupWriter, StoreError> {
        let manifest = self.manifest_path(backup);
        match self.backend.head(&manifest).await {
            Ok(_) => return Err(StoreError::Exists { backup: backup.clone() }),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(StoreError::object("look for", &manifest)(source)),
        }
        self.remove_files(backup).await?;
        if let Some(folder) = self.local_folder() {
            local::ensure_folder(folder.join(backup.collection.as_str()).join(backup.backup.as_str())).await?;
        }
        Ok(BackupWriter { store: self.clone(), backup: backup.clone() })
    }
}

impl BackupWriter {
    /// The backup's name.
    #[must_use]
    pub fn backup(&self) -> &BackupRef {
        &self.backup
    }

    /// Memory that the writer of one file takes, in MiB.
    #[must_use]
    pub fn held_mb(&self) -> u32 {
        if self.store.local_folder().is_some() { HELD_MB_LOCAL } else { HELD_MB }
    }

    /// Begins the file of a shard.
    #[must_use]
    pub fn shard(&self, shard: &ShardName) -> ShardWriter {
        let file = format!("{shard}.rdb");
        let path = self.store.backup_path(&self.backup).join(file.as_str());
        let (backend, upload) = (Arc::clone(&self.store.backend), Upload::Whole(Vec::new()));
        let sealed = self
            .store
            .local_folder()
            .map(|folder| folder.join(self.backup.collection.as_str()).join(self.backup.backup.as_str()).join(&file));
        let part_bytes = if sealed.is_some() { PART_BYTES_LOCAL } else { PART_BYTES };
        ShardWriter { backend, upload, path, file, sealed, part_bytes, tally: Tally::default() }
    }

    /// Makes the backup exist.
    ///
    /// # Errors
    /// `Mismatch` when the manifest names other files than there are, `Exists` when somebody else was first, else see
    /// [`StoreError`].
    pub async fn commit(self, manifest: &Manifest) -> Result<(), StoreError> {
        self.compare(manifest).await?;
        let path = self.store.manifest_path(&self.backup);
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from(manifest.to_json()?);
        match self.store.backend.put_opts(&path, payload, options).await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Err(StoreError::Exists { backup: self.backup }),
            Err(source) => return Err(StoreError::object("write", &path)(source)),
        }
        match self.store.local_folder() {
            Some(folder) => {
                let folder = folder.join(self.backup.collection.as_str()).join(self.backup.backup.as_str());
                local::seal(folder.join(super::location::MANIFEST_FILE)).await
            }
            None => Ok(()),
        }
    }

    /// Gives the backup up and removes what was written.
    ///
    /// # Errors
    /// See [`StoreError`]; what is left is then found by [`BackupStore::leftovers`].
    pub async fn abort(self) -> Result<(), StoreError> {
        self.store.remove_files(&self.backup).await
    }

    /// Whether the store has exactly the files of the manifest, in their lengths.
    async fn compare(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let mismatch = |difference: String| Err(StoreError::Mismatch { backup: self.backup.clone(), difference });
        if manifest.backup != self.backup {
            return mismatch(format!("it is of {}", manifest.backup));
        }
        let there: BTreeMap<String, u64> = self.store.files_of(&self.backup).await?.into_iter().collect();
        let said: BTreeMap<String, u64> = manifest.shards.iter().map(|shard| (shard.file.clone(), shard.bytes)).collect();
        if there != said {
            return mismatch(format!("{said:?} instead of {there:?}"));
        }
        if usize::from(manifest.shard_count) != manifest.shards.len() {
            return mismatch(format!("{} records for {} shards", manifest.shards.len(), manifest.shard_count));
        }
        Ok(())
    }
}

/// How a file goes to the store.
enum Upload {
    /// At once, when it is over: it is no longer than a part so far.
    Whole(Vec<u8>),
    /// In parts.
    Parts(WriteMultipart),
}

/// The file of a shard being written. End it with `finish` or `abort`: one that is dropped leaves its parts in a store that
/// takes uploads in parts, invisible but there until the store's own rule for unfinished uploads removes them.
pub struct ShardWriter {
    backend: Arc<dyn ObjectStore>,
    upload: Upload,
    path: Path,
    file: String,
    /// The file on this machine, if it is there.
    sealed: Option<std::path::PathBuf>,
    part_bytes: usize,
    tally: Tally,
}

impl ShardWriter {
    /// Appends bytes. Waits while too many are on their way.
    ///
    /// # Errors
    /// `Object` when the store failed to take some; the file cannot be finished then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.tally.add(bytes);
        if let Upload::Whole(gathered) = &mut self.upload {
            if gathered.len() + bytes.len() <= self.part_bytes {
                gathered.extend_from_slice(bytes);
                return Ok(());
            }
            let begun = self.backend.put_multipart(&self.path).await.map_err(StoreError::object("begin", &self.path))?;
            let mut parts = WriteMultipart::new_with_chunk_size(begun, self.part_bytes);
            parts.write(gathered);
            self.upload = Upload::Parts(parts);
        }
        if let Upload::Parts(parts) = &mut self.upload {
            for some in bytes.chunks(self.part_bytes) {
                parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(StoreError::object("write", &self.path))?;
                parts.write(some);
            }
        }
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tally.bytes
    }

    /// Ends the file, and waits until it lasts.
    ///
    /// # Errors
    /// `Object` or `Folder` when it does not.
    pub async fn finish(self) -> Result<FileReceipt, StoreError> {
        let ended = match self.upload {
            Upload::Whole(bytes) => self.backend.put(&self.path, PutPayload::from(bytes)).await,
            Upload::Parts(parts) => parts.finish().await,
        };
        ended.map_err(StoreError::object("finish", &self.path))?;
        if let Some(file) = self.sealed {
            local::seal(file).await?;
        }
        Ok(FileReceipt { file: self.file, bytes: self.tally.bytes, sha256: self.tally.sha256() })
    }

    /// Gives the file up and removes what was written of it.
    ///
    /// # Errors
    /// `Object` when the store failed to remove it.
    pub async fn abort(self) -> Result<(), StoreError> {
        match self.upload {
            Upload::Whole(_) => Ok(()),
            Upload::Parts(parts) => parts.abort().await.map_err(StoreError::object("give up", &self.path)),
        }
    }
}

impl fmt::Debug for ShardWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardWriter").field("file", &self.file).field("bytes", &self.tally.bytes).finish_non_exhaustive()
    }
}
