//! A place in the history of a primary.

use serde::{Deserialize, Serialize};

/// How much of a primary's history is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationPoint {
    /// Whose history, 40 hex digits.
    pub replication_id: String,
    /// Bytes of it.
    pub offset: u64,
}
