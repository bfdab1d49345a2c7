//! Reading files of backups, with a check at the end.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStoreExt as _};
use tokio::io::AsyncReadExt as _;

use super::error::{Damage, StoreError};
use super::location::BackupStore;
use super::manifest::ShardRecord;
use super::names::BackupRef;
use super::sha256::{Sha256, Tally};

/// Read from a local file at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Where the bytes come from.
enum Source {
    File(tokio::fs::File),
    Stream(BoxStream<'static, object_store::Result<Bytes>>),
}

/// What the bytes must be, and what they are so far.
struct Expected {
    tally: Tally,
    backup: BackupRef,
    file: String,
    bytes: u64,
    sha256: Sha256,
}

/// A file being read.
pub struct FileReader {
    source: Source,
    path: Path,
    /// Bytes read so far.
    bytes: u64,
    expected: Option<Expected>,
}

impl BackupStore {
    /// Reads the file of a shard. Only `None` after the last chunk says that the file is as it was written.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn read(&self, backup: &BackupRef, shard: &ShardRecord) -> Result<FileReader, StoreError> {
        let path = self.backup_path(backup).join(shard.file.as_str());
        let mut reader = self.read_object(path).await?;
        let (backup, file) = (backup.clone(), shard.file.clone());
        reader.expected = Some(Expected { tally: Tally::default(), backup, file, bytes: shard.bytes, sha256: shard.sha256 });
        Ok(reader)
    }

    pub(super) async fn read_object(&self, path: Path) -> Result<FileReader, StoreError> {
        let found = self.backend.get(&path).await.map_err(StoreError::object("open", &path))?;
        // The backend's own stream of a local file comes in small pieces, each by way of another thread.
        let source = match found.payload {
            GetResultPayload::File(file, _) => Source::File(tokio::fs::File::from_std(file)),
            GetResultPayload::Stream(stream) => Source::Stream(stream),
        };
        Ok(FileReader { source, path, bytes: 0, expected: None })
    }
}

impl FileReader {
    /// The next bytes; `None` when the file is over and as it was written.
    ///
    /// # Errors
    /// `Damaged` when it is over and is not, `Object` when the store failed to give it.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let chunk = match &mut self.source {
            Source::File(file) => {
                let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                let read = file.read_buf(&mut chunk).await;
                let count = read.map_err(|source| {
                    let path = std::path::Path::new(self.path.as_ref());
                    StoreError::folder("read", path)(source)
                })?;
                (count > 0).then(|| chunk.freeze())
            }
            Source::Stream(stream) => stream.next().await.transpose().map_err(StoreError::object("read", &self.path))?,
        };
        match chunk {
            Some(chunk) => {
                self.bytes += chunk.len() as u64;
                // Where nothing is known of the file, nobody pays for its hash.
                if let Some(expected) = &mut self.expected {
                    expected.tally.add(&chunk);
                }
                Ok(Some(chunk))
            }
            None => self.check().map(|()| None),
        }
    }

    fn check(&mut self) -> Result<(), StoreError> {
        let Some(expected) = self.expected.take() else { return Ok(()) };
        let (bytes, sha256) = (expected.tally.bytes, expected.tally.sha256());
        if (bytes, sha256) == (expected.bytes, expected.sha256) {
            return Ok(());
        }
        let Expected { tally: _, backup, file, bytes: bytes_expected, sha256: sha256_expected } = expected;
        Err(StoreError::Damaged(Box::new(Damage { backup, file, bytes, sha256, bytes_expected, sha256_expected })))
    }

    /// Bytes read so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
