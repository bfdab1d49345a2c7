//! Where backups are: a URL, its options, and the backend behind them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::error::StoreError;
use super::local;
use super::names::{BackupRef, CollectionName};

/// The file that makes a backup exist.
pub(super) const MANIFEST_FILE: &str = "manifest.json";

/// Tries beyond the first of a request that a remote store did not answer, some six seconds in all, and the most time for
/// them. A store that is away for longer fails the backup, which can be taken again.
const RETRIES: usize = 6;
const RETRY_TIME_MAX: Duration = Duration::from_secs(60);

/// Longest wait for an answer, or between two of its bytes. There is no limit to the whole of one, which the backend would
/// otherwise set at thirty seconds: a large file takes longer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

fn client_options() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_read_timeout(ANSWER_TIME_MAX)
}

fn patience() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIME_MAX, ..RetryConfig::default() }
}

/// A place for backups. Cheap to clone.
#[derive(Clone)]
pub struct BackupStore {
    pub(super) backend: Arc<dyn ObjectStore>,
    /// What all paths begin with.
    prefix: Path,
    /// The folder, when it is one of this machine.
    folder: Option<PathBuf>,
    url: String,
}

/// Its URL alone: the backend holds credentials.
impl fmt::Debug for BackupStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackupStore").field("url", &self.url).finish_non_exhaustive()
    }
}

impl BackupStore {
    /// The store at a URL: `file:///folder`, `s3://bucket/prefix` or `gs://bucket/prefix`.
    ///
    /// Options are those of the `object_store` crate by name, such as `endpoint`, `allow_http`, `region`, `access_key_id` and
    /// `secret_access_key` for S3, `base_url` and `service_account` for Google. A folder that is not there is made, for this
    /// user only.
    ///
    /// # Errors
    /// `Url`, `Backend` (also for an option that is not known) and `Folder`. Buckets are not asked yet: a missing one is noticed by the first call that needs it.
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
                let unusable = |source| StoreError::Backend { url: url.to_owned(), source };
                let prefix = Path::from_url_path(parsed.path()).map_err(|_not_a_path| refuse())?;
                let backend: Arc<dyn ObjectStore> = if parsed.scheme() == "s3" {
                    let builder = AmazonS3Builder::new().with_client_options(client_options());
                    let builder = builder.with_url(url).with_retry(patience());
                    let set = |builder: AmazonS3Builder, (key, value): &(String, String)| {
                        Ok(builder.with_config(key.parse().map_err(unusable)?, value))
                    };
                    Arc::new(options.iter().try_fold(builder, set)?.build().map_err(unusable)?)
                } else {
                    let builder = GoogleCloudStorageBuilder::new().with_client_options(client_options());
                    let builder = builder.with_url(url).with_retry(patience());
                    let set = |builder: GoogleCloudStorageBuilder, (key, value): &(String, String)| {
                        Ok(builder.with_config(key.parse().map_err(unusable)?, value))
                    };
                    Arc::new(options.iter().try_fold(builder, set)?.build().map_err(unusable)?)
                };
                Ok(Self { backend, prefix, folder: None, url: url.to_owned() })
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

    /// A file of a backup on this machine, if the store is a folder of it.
    pub(crate) fn local_file(&self, backup: &BackupRef, file: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(backup.collection.as_str()).join(backup.backup.as_str()).join(file))
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
