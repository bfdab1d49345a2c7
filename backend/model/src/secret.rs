//! The password of the daemon's own user on the nodes of one instance.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A random password; never shown by `Debug`. In clear it is written to the instance's row in the database and to each
/// node's `valkey.conf` (`primaryauth`, with which a replica logs in to its primary), as a hash to each node's ACL file;
/// all of them only their owner can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminSecret(String);

impl AdminSecret {
    /// Makes a secret of 256 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What stands in its place in a snapshot that is kept for its other fields. No node accepts it: nodes know a hash of
    /// 64 characters, never one of none.
    #[must_use]
    pub fn withheld() -> Self {
        Self(String::new())
    }

    /// The password itself, for an AUTH command or `primaryauth`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminSecret(…)")
    }
}
