//! What an instance begins with: the data of a backup, or of files made elsewhere.

use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

use crate::{BackupName, InstanceName, NodeSerial, ReplicationPoint, SlotSet};

/// Where the first data of an instance comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportSource {
    /// A backup of this daemon.
    Backup(BackupName),
    /// RDB files by their URLs: `gs://`, `s3://` or `file:///`.
    Files(Vec<String>),
    /// The primary instance that it is created to follow.
    Primary(InstanceName),
}

/// A node that gets a part of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTarget {
    /// The node.
    pub node: NodeSerial,
    /// Slots whose keys it gets.
    pub slots: SlotSet,
    /// The node of the primary instance that it gets all of; nothing where the data comes from files.
    pub tap: Option<SocketAddrV4>,
}

/// The data that was put into a node's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSeen {
    /// Keys in the file.
    pub keys: u64,
    /// Whether the engine was seen to have loaded as many.
    pub is_counted: bool,
    /// The point of the primary instance's history that it shows; nothing where it is from files.
    #[serde(default)]
    pub point: Option<ReplicationPoint>,
}
