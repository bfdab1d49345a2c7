//! What cannot be used, and why.

use std::path::PathBuf;

use valkyard_model::BinaryVersion;

/// A file or folder that is no usable build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot be used as an engine: {reason}", path.display())]
pub struct Rejected {
    /// The file or folder.
    pub path: PathBuf,
    /// Why not.
    pub reason: RejectReason,
}

/// Why something is no usable build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// A configured path leads nowhere.
    #[error("it does not exist")]
    Missing,
    /// A configured folder has no build in it.
    #[error("the folder has no valkey-server in any known layout")]
    EmptyFolder,
    /// The operating system does not execute it.
    #[error("it cannot be executed ({message})")]
    NotExecutable {
        /// The system's words.
        message: String,
    },
    /// A shared library is missing.
    #[error("it does not load ({message}); install the package with that library")]
    MissingLibrary {
        /// The loader's words.
        message: String,
    },
    /// Asked for its version, it did not end in time.
    #[error("it did not tell its version within {seconds} s")]
    Hung {
        /// How long it was given.
        seconds: u64,
    },
    /// It is another program.
    #[error("it is not valkey-server; asked for its version it said {said:?}")]
    NotValkey {
        /// The beginning of what it said.
        said: String,
    },
    /// It is too old.
    #[error("version {version} is older than {oldest}, the oldest that is supported")]
    TooOld {
        /// Its version.
        version: BinaryVersion,
        /// The oldest supported one.
        oldest: BinaryVersion,
    },
}
