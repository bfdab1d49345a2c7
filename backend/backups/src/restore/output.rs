//! The file of one target while it is written.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest};
use futures::future::join_all;
use tempfile::TempPath;
use tokio::sync::mpsc;

use super::unfinished::UNFINISHED_PREFIX;
use crate::blocking::blocking;
use crate::pipeline::PipelineError;
use crate::rdb::{Ending, Format, HEADER_BYTES, KeyTotals, header};

/// What comes to a file.
pub(super) enum Message {
    /// Whole records.
    Records(Vec<u8>),
    /// A long record, bit by bit; nothing else may come in between.
    Record(mpsc::Receiver<Vec<u8>>),
}

/// A file being written under another name. It is removed with its value, unless it was published.
pub(super) struct Output {
    path: PathBuf,
    temporary: TempPath,
    file: Arc<File>,
    /// Of the records, which follow the header.
    checksum: Digest,
    bytes: u64,
}

impl Output {
    async fn create(path: PathBuf) -> Result<Self, PipelineError> {
        let folder = folder_of(&path);
        let creating = blocking(move || {
            let temporary = tempfile::Builder::new().prefix(UNFINISHED_PREFIX).tempfile_in(folder)?;
            temporary.as_file().write_all(&[0; HEADER_BYTES])?;
            io::Result::Ok(temporary.into_parts())
        });
        let (file, temporary) = creating.await.map_err(failed(&path))?;
        let checksum = Digest::new(CrcAlgorithm::Crc64Redis);
        Ok(Self { path, temporary, file: Arc::new(file), checksum, bytes: HEADER_BYTES as u64 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes what comes until nobody sends any more.
    pub(super) async fn receive(mut self, mut inbox: mpsc::Receiver<Message>) -> Result<Self, PipelineError> {
        while let Some(message) = inbox.recv().await {
            match message {
                Message::Records(records) => self.write(records).await?,
                Message::Record(mut parts) => {
                    while let Some(part) = parts.recv().await {
                        self.write(part).await?;
                    }
                }
            }
        }
        Ok(self)
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), PipelineError> {
        self.bytes += bytes.len() as u64;
        let (file, mut checksum) = (Arc::clone(&self.file), self.checksum);
        let writing = blocking(move || {
            checksum.update(&bytes);
            (&*file).write_all(&bytes).map(|()| checksum)
        });
        self.checksum = writing.await.map_err(failed(&self.path))?;
        Ok(())
    }

    /// Gives it its beginning and its end, and waits until all of it is on disk.
    pub(super) async fn finish(
        mut self,
        format: Format,
        totals: &KeyTotals,
        engine: Option<&str>,
    ) -> Result<Self, PipelineError> {
        let header = header(format, totals.keys, totals.keys_expiring);
        let ending = Ending::of(engine).close(&header, self.checksum, self.bytes - HEADER_BYTES as u64);
        self.bytes += ending.len() as u64;
        let file = Arc::clone(&self.file);
        let finishing = blocking(move || {
            (&*file).write_all(&ending)?;
            file.write_all_at(&header, 0)?;
            file.sync_all()
        });
        finishing.await.map_err(failed(&self.path))?;
        Ok(self)
    }
}

/// Creates the files, all of them or none. Not to be dropped midway: each is waited for, as one that is still being created by
/// another thread would be there a moment longer than the error that came first.
pub(super) async fn create_all(paths: impl Iterator<Item = PathBuf>) -> Result<Vec<Output>, PipelineError> {
    join_all(paths.map(Output::create)).await.into_iter().collect()
}

/// Gives the files their names, all of them or none.
pub(super) async fn publish(outputs: Vec<Output>) -> Result<(), PipelineError> {
    blocking(move || {
        let mut named = Vec::new();
        let published = name_all(outputs, &mut named);
        if published.is_err() {
            // The first error is the one to tell; what cannot be removed now is replaced by the next attempt.
            named.iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
        published
    })
    .await
}

fn name_all(outputs: Vec<Output>, named: &mut Vec<PathBuf>) -> Result<(), PipelineError> {
    for Output { path, temporary, .. } in outputs {
        temporary.persist(&path).map_err(|error| failed(&path)(error.error))?;
        named.push(path);
    }
    named.iter().try_for_each(|path| sync_folder(path).map_err(failed(path)))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PipelineError {
    move |source| PipelineError::Write { path: path.to_owned(), source }
}
