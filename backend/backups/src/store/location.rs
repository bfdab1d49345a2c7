//! Where backups are: a URL, its options, and the backend behind them.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use super::error::StoreError;
use super::local;
use super::names::{BackupRef, CollectionName};

/// The file that makes a backup exist.
pub(super) const MANIFEST_FILE: &str = "manifest.json";

/// A place for backups. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BackupStore {
    pub(super) backend: Arc<dyn ObjectStore>,
    /// What all paths begin with.
    prefix: Path,
    /// The folder, when it is one of this machine.
    folder: Option<PathBuf>,
    url: String,
}

impl BackupStore {
    /// The store at a URL: `file:///folder`, `s3://bucket/prefix` or `gs://bucket/prefix`.
    ///
    /// Options are those of the `object_store` crate by name, such as `endpoint`, `allow_http`, `region`, `access_key_id` and
    /// `secret_access_key` for S3, `base_url` and `service_account` for Google. A folder that is not there is made, for this
    /// user only.
    ///
    /// # Errors
    /// `Url`, `Backend` and `Folder`. Buckets are not asked yet: a missing one is noticed by the first call that needs it.
    pub async fn open(url: &str, options: &[(String, String)]) -> Result<Self, StoreError> {
        if let Ok(folder) = Url::parse(url).map_err(drop).and_then(|url| url.to_file_path()) {
            local::ensure_folder(folder).await?;
        }
        Self::existing(url, options)
    }

    /// The same, but makes no folder.
    pub(super) fn existing(url: &str, options: &[(String, String)]) -> Result<Self, StoreError> {
        let parsed = Url::parse(url).map_err(|source| StoreError::Url { url: url.to_owned(), source: Some(source) })?;
        let refuse = || StoreError::Url { url: url.to_owned(), source: None };
        match parsed.scheme() {
            "file" => {
                let folder = parsed.to_file_path().map_err(|()| refuse())?;
                let backend = LocalFileSystem::new_with_prefix(&folder)
                    .map_err(|source| StoreError::Backend { url: url.to_owned(), source })?
                    .with_fsync(true);
                Ok(Self { backend: Arc::new(backend), prefix: Path::default(), folder: Some(folder), url: url.to_owned() })
            }
            "s3" | "gs" => {
                let options = options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                let (backend, prefix) = object_store::parse_url_opts(&parsed, options)
                    .map_err(|source| StoreError::Backend { url: url.to_owned(), source })?;
                Ok(Self { backend: backend.into(), prefix, folder: None, url: url.to_owned() })
            }
            _ => Err(refuse()),
        }
    }

    /// Its URL, which carries no secrets.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn root(&self) -> &Path {
        &self.prefix
    }

    /// The folder on this machine, if it is one.
    pub(super) fn local_folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    pub(super) fn collection_path(&self, collection: &CollectionName) -> Path {
        self.prefix.clone().join(collection.as_str())
    }

    pub(super) fn backup_path(&self, backup: &BackupRef) -> Path {
        self.collection_path(&backup.collection).join(backup.backup.as_str())
    }

    pub(super) fn manifest_path(&self, backup: &BackupRef) -> Path {
        self.backup_path(backup).join(MANIFEST_FILE)
    }
}
