//! The password of the daemon's own user on the nodes of one instance.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A random password; never shown by `Debug`, written only to the ACL file and the database.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminSecret(String);

impl AdminSecret {
    /// Makes a secret of 256 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The password itself, for an AUTH command or an ACL file.
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
