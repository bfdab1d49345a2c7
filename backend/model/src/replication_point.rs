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

impl ReplicationPoint {
    /// Whether who is here has everything up to the other point.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.replication_id == other.replication_id && self.offset >= other.offset
    }
}

/// The names of a node's history; how far it is, is told elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryNames {
    /// Its name now, 40 hex digits.
    pub replication_id: String,
    /// What it was before the node took over, and where it ended.
    pub former: Option<ReplicationPoint>,
    /// Whether the node keeps what was, so that somebody can go on from an earlier point.
    pub is_kept: bool,
}
