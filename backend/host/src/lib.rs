//! Processes, files and ports of this machine. The reconciler's hands: it spawns, signals, writes and looks, and makes no
//! choice, no retry and no assumption about clusters.
//!
//! Invariant: the lock on a node's `node.pid` is held exactly as long as a process of that node lives, whoever started
//! it; so a restarted daemon finds every process again and never starts a second one. "Cannot tell" is `Seen::Unknown`,
//! never a guess.
//!
//! Linux only: pidfd and `/proc` carry the guarantees above. Other systems need an answer of their own to "is this pid
//! still the same process?" and are out of scope. The functions block for the length of a system call or a sync to disk
//! unless they are `async`.

mod data_dir;
mod data_files;
mod descriptors;
mod files;
mod forwarder;
mod import_note;
mod machine;
mod node_home;
mod ports;
mod process;
#[cfg(test)]
mod waiting;

pub use data_dir::{DataDir, DataDirError};
pub use data_files::{cluster_file, drop_data, has_log_manifest, keep_only};
pub use descriptors::raise_descriptor_limit;
pub use files::{FilesError, NodeFile, files_seen, prepare, remove, remove_leftovers, rewrite};
pub use forwarder::{Forwarder, ForwarderError};
pub use import_note::{forget_import, note_import};
pub use machine::{machine_memory, own_loopback_usable};
pub use node_home::NodeHome;
pub use ports::{PortOwner, port_owner};
pub use process::{
    ExitStatus, ProcessSpec, SignalError, SpawnError, freeze, log_tail, process_seen, signal, spawn, thaw, watch_exit,
};
