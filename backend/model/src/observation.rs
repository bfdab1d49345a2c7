//! What was seen of one instance, and when. Partial and stale by nature: "unknown" is an answer.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

use crate::{
    BackupContent, BinaryVersion, ByteSize, ClusterMemory, ConfigEpoch, DataSeen, HistoryNames, ImportSeen, LiveSettings, NodeId,
    NodeSerial, PartSeen, PersistenceSeen, Pid, ReplicationPoint, ReplicationSeen, ShardIndex, Slot, SlotSet, StepKind,
    Timestamp, Uid,
};

/// The outcome of looking at one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// It is there, like this.
    Known(T),
    /// It is certainly not there.
    Absent,
    /// It could not be told; no decision that needs certainty may rest on it.
    Unknown,
}

impl<T> Seen<T> {
    /// The value, if it was seen.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Whether it is certainly not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// One look at an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// When looking began: everything in here was true at that time or later.
    pub at: Timestamp,
    /// When this daemon looked at this incarnation first: what was before, it did not see. A world leaves it at `at`.
    pub first_look: Timestamp,
    /// Every allocated node.
    pub nodes: BTreeMap<NodeSerial, NodeObservation>,
    /// The discovery endpoint.
    pub discovery: Seen<DiscoverySeen>,
    /// Shards that somebody wants another primary for, with the primary they had when they were asked for. Served once and
    /// forgotten with the daemon.
    pub handovers: BTreeMap<ShardIndex, NodeSerial>,
    /// The backup that is being made, or was made last.
    pub backup: Option<BackupRun>,
    /// The work of putting its first data into the folders of its nodes.
    pub import: Option<ImportRun>,
    /// The replication between instances.
    pub replication: ReplicationSeen,
    /// Steps that failed since they last succeeded.
    pub faults: Vec<Fault>,
}

/// How far work in the background is.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState<T> {
    /// It goes on.
    Running,
    /// It is done, with this result.
    Done(T),
    /// It failed, and left nothing behind.
    Failed {
        /// What kind of failure.
        kind: FaultKind,
        /// The error chain, for people.
        detail: String,
        /// When.
        at: Timestamp,
    },
}

/// A backup in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupRun {
    /// The backup.
    pub backup: Uid,
    /// How often it was begun by this daemon.
    pub attempts: u32,
    /// Bytes of all shards so far.
    pub bytes: u64,
    /// How far it is; `Done` when all of it is in the store.
    pub state: JobState<BackupContent>,
}

/// Data on its way from a backup, or from files, to the nodes of a new instance.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRun {
    /// How often it was begun by this daemon.
    pub attempts: u32,
    /// Bytes that were read so far.
    pub bytes: u64,
    /// Bytes of all sources; 0 while that is not known.
    pub bytes_total: u64,
    /// Keys that were read so far.
    pub keys: u64,
    /// How far it is; `Done` when every node has its part.
    pub state: JobState<()>,
}

/// One look at a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeObservation {
    /// Its folder.
    pub files: Seen<FilesSeen>,
    /// Its process.
    pub process: Seen<ProcessSeen>,
    /// The engine's own word. `Absent` when nothing accepts connections, `Unknown` when it does not answer. An answer is
    /// newer than what the other two tell.
    pub engine: Seen<EngineSeen>,
    /// What this daemon remembers of it; empty after a restart of the daemon.
    pub history: NodeHistory,
}

/// A node's folder, complete: it is made under another name and renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesSeen {
    /// What is left of its data.
    pub data: DataSeen,
    /// What it remembers of its cluster; read only while no process runs there, and nothing if it is not readable.
    pub memory: Option<ClusterMemory>,
    /// First data that was put there, until the instance is complete.
    #[serde(default)]
    pub import: Option<ImportSeen>,
}

/// A node's process: it holds the lock of its folder, so one whose folder is gone is not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSeen {
    /// Its id.
    pub pid: Pid,
    /// Whether it can run.
    pub state: ProcessState,
}

/// Whether a process can run at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// It runs, or waits for something.
    Running,
    /// It was stopped by a signal (SIGSTOP) or a debugger.
    Stopped,
}

/// What a node says of itself and its peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSeen {
    /// Its identity; a wrong one means that somebody else listens there.
    pub id: NodeId,
    /// Its build.
    pub version: BinaryVersion,
    /// Its role.
    pub role: RoleSeen,
    /// Whether it calls the cluster state ok: on a primary, that it accepts writes.
    pub cluster_ok: bool,
    /// Whether it is still loading a dataset.
    pub loading: bool,
    /// Its claim to its slots.
    pub epoch: ConfigEpoch,
    /// The highest epoch it knows.
    pub current_epoch: ConfigEpoch,
    /// Slots it says it owns.
    pub slots: SlotSet,
    /// Bytes of the replication stream it has produced or applied.
    pub replication_offset: u64,
    /// What that stream is called.
    pub history: HistoryNames,
    /// Keys it holds, in all databases.
    pub keys: u64,
    /// Memory that its keys take: what is used, without what an empty engine uses, buffers and backlog.
    pub data: ByteSize,
    /// Libraries of functions it has.
    pub libraries: u32,
    /// What it runs with at the moment.
    pub settings: LiveSettings,
    /// How it is set up for its instance's part in a replication.
    pub part: PartSeen,
    /// What it keeps on disk.
    pub persistence: PersistenceSeen,
    /// Atomic slot migrations it takes part in, and the last end of one with each peer.
    pub migrations: Vec<MigrationSeen>,
    /// Slots that are being moved by keys, by its own word.
    pub open_slots: BTreeMap<Slot, OpenSlot>,
    /// The other nodes as it sees them.
    pub peers: BTreeMap<NodeId, PeerSeen>,
}

impl EngineSeen {
    /// Whether its data has everything up to this point.
    #[must_use]
    pub fn has_come_to(&self, point: &ReplicationPoint) -> bool {
        self.point().covers(point) || self.history.former.as_ref().is_some_and(|former| former.covers(point))
    }

    /// Where it is in its history.
    #[must_use]
    pub fn point(&self) -> ReplicationPoint {
        ReplicationPoint { replication_id: self.history.replication_id.clone(), offset: self.replication_offset }
    }
}

/// An atomic migration of slots, as one of its two ends tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationSeen {
    /// Which end tells it.
    pub direction: MigrationDirection,
    /// The other end.
    pub peer: NodeId,
    /// Which slots.
    pub slots: SlotSet,
    /// How far it is.
    pub state: MigrationState,
    /// The engine's words about its end; empty while it runs.
    pub message: String,
    /// When its state changed last; whole seconds of the engine's clock.
    pub updated: Timestamp,
}

/// An end of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationDirection {
    /// Slots leave the node.
    Export,
    /// Slots come to the node.
    Import,
}

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// Under way.
    Running,
    /// The slots have their new owner.
    Succeeded,
    /// It failed or was cancelled; the slots stay where they were.
    Failed,
}

/// A slot that is being moved by keys, as an engine marks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenSlot {
    /// Its owner gives it to this node.
    MigratingTo(NodeId),
    /// It comes from this node.
    ImportingFrom(NodeId),
}

/// A node's role as it reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleSeen {
    /// Serves writes, if it owns slots.
    Primary,
    /// Copies `of`.
    Replica {
        /// Its primary.
        of: NodeId,
        /// Whether it keeps up.
        link: LinkState,
    },
}

/// A replica's link to its primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Connected and in sync.
    Up,
    /// A full copy is under way.
    Syncing,
    /// Not connected.
    Down,
}

/// Another node as a node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerSeen {
    /// Its client address.
    pub address: SocketAddrV4,
    /// Whether it is reachable.
    pub health: PeerHealth,
    /// Who it copies, if it is a replica.
    pub replica_of: Option<NodeId>,
    /// Its claim.
    pub epoch: ConfigEpoch,
    /// Slots it is believed to own.
    pub slots: SlotSet,
}

/// A peer's health as a node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerHealth {
    /// Link connected, no suspicion.
    Ok,
    /// Not connected, or suspected, or still in handshake.
    Doubtful,
    /// A majority calls it failed.
    Failed,
}

/// What the daemon remembers of a node's process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeHistory {
    /// Starts since it was last seen serving.
    pub starts: u32,
    /// When it was last started by this daemon.
    pub last_start: Option<Timestamp>,
    /// How its last process ended.
    pub last_exit: Option<ExitSeen>,
    /// How often its present process was told to stop.
    pub stops: u32,
    /// When it was last told to.
    pub last_stop: Option<Timestamp>,
    /// Since when its process has been seen, but its engine did not answer.
    pub silent_since: Option<Timestamp>,
    /// Since when it has been in sync with its primary without a break, and where it was in the stream then.
    pub in_sync_since: Option<InSync>,
    /// Whether it was told to take its shard over without a vote, and was seen neither as a replica nor gone since: it may be
    /// a primary that nobody has heard of.
    pub may_have_taken_over: bool,
    /// When it was last told to take its shard over by agreement.
    pub last_failover: Option<Timestamp>,
    /// Since when others are told to forget it. Since 8.1 a forgotten node that lives introduces itself again and again.
    pub forgotten_since: Option<Timestamp>,
    /// Whether no process of it can run: this daemon set the node aside, or saw its process gone beside its folder, and
    /// has started none since.
    pub is_at_rest: bool,
    /// The engine's words for an end of its log that was torn off and dropped when it began.
    pub torn_log: Option<String>,
    /// Snapshots that were begun since the last one that succeeded.
    pub saves: u32,
    /// When the last of them was begun.
    pub last_save: Option<Timestamp>,
}

/// The beginning of a time in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InSync {
    /// With whom.
    pub primary: NodeId,
    /// When it was first seen.
    pub at: Timestamp,
    /// Bytes of the stream it had applied then.
    pub offset: u64,
}

/// The end of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitSeen {
    /// When it was noticed.
    pub at: Timestamp,
    /// Exit code or signal, in words.
    pub status: String,
    /// The last lines of its log.
    pub log_tail: String,
    /// The engine's words for why it could not read its data, if that ended it.
    pub unreadable: Option<String>,
}

/// The open discovery endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoverySeen {
    /// Nodes it leads to, in order of preference.
    pub backends: Vec<SocketAddrV4>,
}

/// A step that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What was attempted.
    pub step: StepKind,
    /// On which node, if on one.
    pub node: Option<NodeSerial>,
    /// What kind of failure.
    pub kind: FaultKind,
    /// The error chain, for people.
    pub detail: String,
    /// How often in a row.
    pub attempts: u32,
    /// When last.
    pub last: Timestamp,
}

/// What went wrong with a step, as far as it matters for what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No room on the disk: no space, no quota, or a file would be larger than files may be.
    DiskFull,
    /// Permission denied, read-only file system.
    PermissionDenied,
    /// An address or port is taken by somebody else.
    AddressInUse,
    /// No build of the version is installed, or it cannot be executed.
    EngineMissing,
    /// Data to begin with that no repetition makes good: damaged, of an unknown form, or not there.
    BadData,
    /// Anything else; may pass.
    Transient,
}
