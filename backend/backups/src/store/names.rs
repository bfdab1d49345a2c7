//! Names within a store: each is one part of a path, safe in every backend.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name: that of a collection has a project, a region and an instance of 63 each, and file systems take 255.
const NAME_BYTES_MAX: usize = 200;

/// A text that cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name of a {what}: 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' and '.', not beginning with '.'")]
pub struct NameError {
    /// Of what.
    pub what: &'static str,
    /// The text.
    pub text: String,
}

fn checked(what: &'static str, text: &str) -> Result<String, NameError> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_fit);
    if fits { Ok(text.to_owned()) } else { Err(NameError { what, text: text.to_owned() }) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                checked($what, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The collection that a backup belongs to.
    CollectionName,
    "backup collection"
);
name!(
    /// A backup within its collection.
    BackupName,
    "backup"
);
name!(
    /// A shard within a backup; its file is this with `.rdb`.
    ShardName,
    "shard"
);

/// A backup within a store. Written `collection/backup`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BackupRef {
    /// Its collection.
    pub collection: CollectionName,
    /// Its name.
    pub backup: BackupName,
}

impl fmt::Display for BackupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.backup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a%2fb", "ü", &"x".repeat(201)] {
            assert!(bad.parse::<BackupName>().is_err(), "{bad:?}");
        }
        for good in ["a", "2026-11-22T21-00-00Z_1.x", &"x".repeat(200)] {
            assert_eq!(good.parse::<ShardName>().map(String::from).as_deref(), Ok(good));
        }
    }
}
