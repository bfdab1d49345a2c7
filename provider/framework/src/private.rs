//! What a resource remembers beside its state, unseen by users.
//!
//! Owns [`Private`]: JSON values by key, carried as bytes through plan, apply and read. Invariant: bytes made
//! here are read back equal. It is not encrypted; secrets do not belong in it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// A resource's own memory: small JSON values by key. Keys that start with `.` belong to the framework.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Private(BTreeMap<String, Json>);

/// Stored private data that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("private data is not a JSON object")]
pub struct PrivateError(#[source] serde_json::Error);

impl Private {
    /// Nothing remembered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// Remembers a value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Json>) {
        self.0.insert(key.into(), value.into());
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.0.remove(key)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, PrivateError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map(Self).map_err(PrivateError)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        serde_json::to_vec(&self.0).expect("string keys and JSON values always serialise")
    }
}
