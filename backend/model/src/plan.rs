//! The answer to "what now?".

use std::time::Duration;

use crate::{FaultKind, NodeSerial, ShardIndex, Step, StepKind, Zone};

/// What may be done now, and why nothing more.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Steps safe to run now, all at once.
    pub steps: Vec<Step>,
    /// Why convergence is not complete.
    pub waiting_on: Vec<WaitingOn>,
    /// What a person should know of the instance as it is.
    pub conditions: Vec<Condition>,
    /// When to look again if nothing wakes the loop before.
    pub look_again_in: Duration,
}

/// A reason why nothing more happens at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitingOn {
    /// A process was started and does not answer yet.
    NodeToAnswer(NodeSerial),
    /// A node is loading data.
    NodeToLoad(NodeSerial),
    /// A node does not call the cluster ok yet (a fresh primary waits 2 s before it accepts writes).
    ClusterToAgree(NodeSerial),
    /// A node has not written all its data to its new log yet.
    LogToBeWritten(NodeSerial),
    /// A shard's snapshot has to be written before something else may go on.
    SnapshotOf(ShardIndex),
    /// The data of this many shards is on its way into the backup store.
    BackupToBeTaken {
        /// Shards.
        shards: u16,
        /// Bytes so far.
        bytes: u64,
    },
    /// A shard has no node that a backup could be taken from at the moment.
    BackupSourceOf(ShardIndex),
    /// First data is on its way to the folders of nodes.
    DataToImport {
        /// Bytes that were read so far.
        bytes: u64,
        /// Bytes of all sources; 0 while that is not known.
        bytes_total: u64,
    },
    /// It is not known where the primary instance keeps which slots.
    SourceToAnswer,
    /// A shard does not follow the primary instance yet.
    StreamOf(ShardIndex),
    /// A shard gets its data from the primary instance anew.
    Reseeding(ShardIndex),
    /// A link has to end before clients may write.
    LinkToEnd(ShardIndex),
    /// The instance and its primary, or its secondaries, change places.
    Switchover,
    /// Something else in the background has to end first.
    WorkToStop,
    /// The data in a node's folder cannot be read, and no other copy of it lives.
    DataToBeReadable(NodeSerial),
    /// Another node of its shard comes back first, with the data.
    DataToLoad(NodeSerial),
    /// A replica has not caught up.
    ReplicaToSync(NodeSerial),
    /// A process was asked to stop.
    ProcessToExit(NodeSerial),
    /// A shard's replicas are not in a state in which one could take over by agreement.
    HeirToBeReady(ShardIndex),
    /// Slots are on their way.
    SlotsToMove {
        /// Whose they are.
        from: ShardIndex,
        /// Whose they will be.
        to: ShardIndex,
        /// How many still have to go this way.
        count: u16,
    },
    /// A shard has no room for the keys of the slots it should get.
    RoomIn(ShardIndex),
    /// The nodes of a shard are being replaced by others.
    Replacement(ShardIndex),
    /// A node leaves.
    NodeToLeave(NodeSerial),
    /// A zone was taken away by an administrator.
    ZoneToReturn(Zone),
    /// A takeover was sent, or another node has to notice it.
    FailoverToSettle(ShardIndex),
    /// It cannot be told whether a node lives; nothing is decided on ignorance.
    Certainty(NodeSerial),
    /// A step failed and is tried again later.
    Retry {
        /// The step.
        step: StepKind,
        /// The node.
        node: Option<NodeSerial>,
        /// The kind of failure.
        kind: FaultKind,
    },
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A shard has no serving primary.
    ShardDown(ShardIndex),
    /// A shard serves, with fewer replicas in sync than asked for.
    ShardDegraded(ShardIndex),
    /// A shard without a live replica is being restarted empty: its data is lost.
    DataLost(ShardIndex),
    /// The files of a node cannot be read, in the engine's words. They are kept as long as no other copy of them lives.
    DataUnreadable(NodeSerial, String),
    /// The end of a node's log was torn off and dropped, in the engine's words.
    LogTorn(NodeSerial, String),
    /// A node cannot write its data to the disk.
    NotSaved(NodeSerial),
    /// A shard of a secondary does not follow its primary at the moment, and why.
    NotFollowing(ShardIndex, String),
    /// A shard of a secondary is given its data anew, and serves nothing meanwhile.
    BeingReseeded(ShardIndex),
}
