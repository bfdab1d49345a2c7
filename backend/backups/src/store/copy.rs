//! Copying a backup to another store: exporting it.

use tokio_util::sync::CancellationToken;

use super::error::StoreError;
use super::location::BackupStore;
use super::manifest::{Manifest, ShardRecord};
use super::names::BackupRef;
use super::write::BackupWriter;

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress<'m> {
    /// The file at hand.
    pub file: &'m str,
    /// Bytes of it that were copied.
    pub file_bytes: u64,
    /// Its length.
    pub file_bytes_total: u64,
    /// Bytes of all files that were copied.
    pub bytes: u64,
    /// Length of all files.
    pub bytes_total: u64,
}

impl BackupStore {
    /// Copies a backup to another store under the same name, checking each file; all of it or nothing.
    ///
    /// `told` hears of the progress after each chunk, from the copying task: it must not block. Ends soon after `stop` is
    /// cancelled; that is better than dropping it, because only then a remote store is told to forget what it has.
    ///
    /// # Errors
    /// `Exists` when the other store has one of that name, `Stopped` when it was told to stop, `Damaged` when a file is not as it was written, else see
    /// [`StoreError`].
    pub async fn copy_to(
        &self,
        other: &Self,
        backup: &BackupRef,
        stop: &CancellationToken,
        mut told: impl FnMut(CopyProgress<'_>),
    ) -> Result<Manifest, StoreError> {
        let manifest = self.manifest(backup).await?;
        let writer = other.begin(backup).await?;
        let (mut bytes, bytes_total) = (0, manifest.total_bytes());
        for shard in &manifest.shards {
            let before = bytes;
            let copied = self.copy_file(&writer, backup, shard, stop, |file_bytes| {
                bytes = before + file_bytes;
                told(CopyProgress { file: &shard.file, file_bytes, file_bytes_total: shard.bytes, bytes, bytes_total });
            });
            if let Err(error) = copied.await {
                // The first error is the one to tell; what could not be removed is found as a leftover.
                drop(writer.abort().await);
                return Err(error);
            }
        }
        writer.commit(&manifest).await?;
        Ok(manifest)
    }

    async fn copy_file(
        &self,
        writer: &BackupWriter,
        backup: &BackupRef,
        shard: &ShardRecord,
        stop: &CancellationToken,
        mut told: impl FnMut(u64),
    ) -> Result<(), StoreError> {
        let mut reader = self.read(backup, shard).await?;
        let mut file = writer.shard(&shard.shard);
        let copied = async {
            while let Some(chunk) = reader.next().await? {
                file.write(&chunk).await?;
                told(file.bytes());
            }
            Ok(())
        };
        match stop.run_until_cancelled(copied).await.unwrap_or(Err(StoreError::Stopped)) {
            Ok(()) => file.finish().await.map(drop),
            Err(error) => {
                // As above.
                drop(file.abort().await);
                Err(error)
            }
        }
    }
}
