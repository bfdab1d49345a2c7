//! The folder of one node and the names in it. Paths only; what happens to them is up to [`crate::prepare`],
//! [`crate::spawn`] and [`crate::remove`].

use std::path::{Path, PathBuf};

use valkyard_model::{NodeSerial, Uid};

/// Where the files of one node are: `instances/<uid>/<serial>/` in the data folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeHome {
    uid: Uid,
    serial: NodeSerial,
    path: PathBuf,
}

impl NodeHome {
    /// The engine's configuration; a folder with it is complete.
    pub const CONFIG_FILE: &str = "valkey.conf";
    /// The engine's own view of its cluster, which it rewrites.
    pub const CLUSTER_FILE: &str = "nodes.conf";
    /// Users and what they may do; holds password hashes.
    pub const ACL_FILE: &str = "users.acl";
    /// The engine's log, and what it prints.
    pub const LOG_FILE: &str = "valkey.log";
    /// The folder of the engine's log of writes.
    pub const LOG_OF_WRITES: &str = "appendonlydir";
    /// The engine's snapshot.
    pub const SNAPSHOT_FILE: &str = "dump.rdb";
    /// The note about first data that was put there.
    pub const IMPORT_FILE: &str = "import.note";
    /// Pid and start time of the node's process, which holds a lock on it.
    pub const PID_FILE: &str = "node.pid";

    pub(crate) fn new(instances: &Path, uid: Uid, serial: NodeSerial) -> Self {
        Self { uid, serial, path: instances.join(uid.to_string()).join(serial.to_string()) }
    }

    /// The incarnation of the instance.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// The node.
    #[must_use]
    pub fn serial(&self) -> NodeSerial {
        self.serial
    }

    /// The folder; absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the instance.
    pub(crate) fn instance_path(&self) -> &Path {
        self.path.parent().expect("a node folder is made by joining to the instance folder")
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path.join(Self::CONFIG_FILE)
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.path.join(Self::LOG_FILE)
    }

    pub(crate) fn pid_path(&self) -> PathBuf {
        self.path.join(Self::PID_FILE)
    }

    /// Where the folder is built before it gets its name.
    pub(crate) fn unfinished_path(&self) -> PathBuf {
        self.path.with_extension("new")
    }

    /// Where the folder goes before its content is deleted.
    pub(crate) fn discarded_path(&self) -> PathBuf {
        self.path.with_extension("gone")
    }
}

/// The serial that a folder of this name belongs to, leftovers of interrupted work included.
pub(crate) fn serial_of_folder(name: &str) -> Option<NodeSerial> {
    let stem = name.strip_suffix(".new").or_else(|| name.strip_suffix(".gone")).unwrap_or(name);
    stem.strip_prefix('n')?.parse().ok().map(NodeSerial)
}
