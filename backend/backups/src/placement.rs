//! A file on its way to where an engine will load it: written under another name, and there only once it is on disk.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::blocking::blocking;
use crate::pipeline::PipelineError;
use crate::restore::UNFINISHED_PREFIX;

/// The file. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Placement {
    target: PathBuf,
    folder: PathBuf,
    temporary: NamedTempFile,
    output: tokio::fs::File,
}

fn failed(target: &Path, source: io::Error) -> PipelineError {
    PipelineError::Write { path: target.to_owned(), source }
}

impl Placement {
    pub(crate) async fn begin(target: &Path) -> Result<Self, PipelineError> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let temporary = blocking({
            let folder = folder.clone();
            move || tempfile::Builder::new().prefix(UNFINISHED_PREFIX).tempfile_in(folder)
        });
        let temporary = temporary.await.map_err(|source| failed(target, source))?;
        let output = temporary.as_file().try_clone().map_err(|source| failed(target, source))?;
        Ok(Self { target: target.to_owned(), folder, temporary, output: tokio::fs::File::from_std(output) })
    }

    pub(crate) async fn write(&mut self, chunk: &[u8]) -> Result<(), PipelineError> {
        self.output.write_all(chunk).await.map_err(|source| failed(&self.target, source))
    }

    /// Puts it in its place. A file that was there is replaced.
    pub(crate) async fn finish(self) -> Result<(), PipelineError> {
        let Self { target, folder, temporary, output } = self;
        output.sync_all().await.map_err(|source| failed(&target, source))?;
        let path = target.clone();
        let placing = blocking(move || {
            temporary.persist(path).map_err(|error| error.error)?;
            std::fs::File::open(folder)?.sync_all()
        });
        placing.await.map_err(|source| failed(&target, source))
    }
}
