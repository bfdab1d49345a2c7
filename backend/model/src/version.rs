//! Engine versions: the API's names and what a binary says of itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Text that is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not of the form `VALKEY_<major>_<minor>`.
    #[error("engine version {text:?} is not of the form VALKEY_<major>_<minor>, such as VALKEY_9_1")]
    Api {
        /// What was given.
        text: String,
    },
    /// Not of the form `major.minor.patch`.
    #[error("binary version {text:?} is not of the form major.minor.patch")]
    Binary {
        /// What was given.
        text: String,
    },
}

/// A version as the API names it, such as `VALKEY_8_0`; ordered, never downgraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EngineVersion {
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
}

impl EngineVersion {
    /// The newest form of RDB files that its engines read: 8.x reads and writes version 11, 9.x version 80 (measured).
    #[must_use]
    pub fn rdb_version_max(self) -> u16 {
        if self.major >= 9 { 80 } else { 11 }
    }
}

impl FromStr for EngineVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let parse = || {
            let (major, minor) = text.strip_prefix("VALKEY_")?.split_once('_')?;
            Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
        };
        parse().ok_or_else(|| VersionError::Api { text: text.to_owned() })
    }
}

impl fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VALKEY_{}_{}", self.major, self.minor)
    }
}

impl TryFrom<String> for EngineVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<EngineVersion> for String {
    fn from(version: EngineVersion) -> Self {
        version.to_string()
    }
}

/// The exact version of an engine build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BinaryVersion {
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
    /// Patch level.
    pub patch: u16,
}

/// The first version whose atomic slot migration works under writes: 9.0.0 to 9.1.1 have the command, but fail with more
/// than one I/O thread (valkey#4545).
const SINCE_ATOMIC_SLOT_MIGRATION: BinaryVersion = BinaryVersion { major: 9, minor: 1, patch: 2 };

/// The first version that can leave expiry and eviction to another cluster whose writes it takes (`import-mode`).
const SINCE_IMPORT_MODE: BinaryVersion = BinaryVersion { major: 8, minor: 1, patch: 0 };

impl BinaryVersion {
    /// Whether a node can leave expiry and eviction to the source of its data.
    #[must_use]
    pub fn imports(self) -> bool {
        self >= SINCE_IMPORT_MODE
    }

    /// Whether whole slots can be moved at once while they are written to.
    #[must_use]
    pub fn moves_slots_atomically(self) -> bool {
        self >= SINCE_ATOMIC_SLOT_MIGRATION
    }

    /// The API version that this build serves.
    #[must_use]
    pub fn api(self) -> EngineVersion {
        EngineVersion { major: self.major, minor: self.minor }
    }
}

impl FromStr for BinaryVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut parts = text.splitn(3, '.').map(str::parse);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Ok(Self { major, minor, patch }),
            _ => Err(VersionError::Binary { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for BinaryVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_order_by_number_and_refuse_other_forms() {
        let parse = |text: &str| text.parse::<EngineVersion>();
        assert!(parse("VALKEY_9_0").expect("parses") > parse("VALKEY_8_1").expect("parses"));
        assert_eq!(parse("VALKEY_9_1").map(|v| v.to_string()), Ok("VALKEY_9_1".to_owned()));
        for bad in ["", "VALKEY_9", "9.1", "valkey_9_1", "VALKEY_x_1", "REDIS_7_2"] {
            assert!(parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_build_serves_its_minor_line() {
        let build: BinaryVersion = "9.1.2".parse().expect("parses");
        assert_eq!(build.api().to_string(), "VALKEY_9_1");
        assert!("9.1".parse::<BinaryVersion>().is_err());
    }
}
