//! How keeping and reading backups can fail.

use std::io;
use std::path::PathBuf;

use super::names::BackupRef;
use super::sha256::Sha256;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is none.
    #[error("{url:?} is no URL of a backup store; use file:///folder, s3://bucket/prefix or gs://bucket/prefix")]
    Url {
        /// What was given.
        url: String,
        /// The cause, where there is one.
        #[source]
        source: Option<url::ParseError>,
    },
    /// The backend cannot be used with these settings.
    #[error("failed to use the store at {url}; check its options and credentials")]
    Backend {
        /// Its URL.
        url: String,
        /// The cause.
        #[source]
        source: object_store::Error,
    },
    /// A backup of that name is there already.
    #[error("backup {backup} exists already")]
    Exists {
        /// Its name.
        backup: BackupRef,
    },
    /// Another backup has that name: of another daemon, or of one whose records are lost.
    #[error("the store has another backup {backup}, which this daemon has no record of; it is left alone")]
    Foreign {
        /// Its name.
        backup: BackupRef,
    },
    /// There is no backup of that name, or it was never finished.
    #[error("there is no backup {backup}")]
    NoSuchBackup {
        /// Its name.
        backup: BackupRef,
    },
    /// The store failed to do something with an object.
    #[error("failed to {verb} {object}")]
    Object {
        /// What was tried.
        verb: &'static str,
        /// The object's place in the store.
        object: String,
        /// The cause.
        #[source]
        source: object_store::Error,
    },
    /// The local folder failed.
    #[error("failed to {verb} {}", path.display())]
    Folder {
        /// What was tried.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A manifest cannot be read.
    #[error("the manifest of backup {backup} is not one")]
    Manifest {
        /// The backup.
        backup: BackupRef,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest was written by another version of Valkyard.
    #[error("the manifest of backup {backup} has version {found}, and this Valkyard reads version {known}; use a newer Valkyard")]
    ManifestVersion {
        /// The backup.
        backup: BackupRef,
        /// The version found.
        found: u64,
        /// The version read here.
        known: u64,
    },
    /// A manifest that is committed must name the files that were written.
    #[error("the manifest of backup {backup} does not match the files written: {difference}")]
    Mismatch {
        /// The backup.
        backup: BackupRef,
        /// What differs.
        difference: String,
    },
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
    /// A file is not as it was written.
    #[error(
        "{} of backup {} is damaged: {} bytes with SHA-256 {}, but {} with {} were written",
        .0.file, .0.backup, .0.bytes, .0.sha256, .0.bytes_expected, .0.sha256_expected
    )]
    Damaged(Box<Damage>),
}

/// How a file differs from what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The backup.
    pub backup: BackupRef,
    /// The file.
    pub file: String,
    /// Bytes read.
    pub bytes: u64,
    /// Their hash.
    pub sha256: Sha256,
    /// Bytes written.
    pub bytes_expected: u64,
    /// Their hash.
    pub sha256_expected: Sha256,
}

impl StoreError {
    /// For `map_err`: a failure of the backend with an object.
    pub(super) fn object(verb: &'static str, path: &object_store::path::Path) -> impl FnOnce(object_store::Error) -> Self {
        move |source| Self::Object { verb, object: path.to_string(), source }
    }

    /// For `map_err`: a failure of the local folder.
    pub(super) fn folder(verb: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Folder { verb, path: path.to_owned(), source }
    }
}
