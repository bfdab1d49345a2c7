//! What an instance begins with: the data of a backup, or of files made elsewhere.

use serde::{Deserialize, Serialize};

use crate::{BackupName, NodeSerial, SlotSet};

/// Where the first data of an instance comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportSource {
    /// A backup of this daemon.
    Backup(BackupName),
    /// RDB files by their URLs: `gs://`, `s3://` or `file:///`.
    Files(Vec<String>),
}

/// A node that gets a part of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTarget {
    /// The node.
    pub node: NodeSerial,
    /// Slots whose keys it gets.
    pub slots: SlotSet,
}

/// The data that was put into a node's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSeen {
    /// Keys in the file.
    pub keys: u64,
    /// Whether the engine was seen to have loaded as many.
    pub is_counted: bool,
}
