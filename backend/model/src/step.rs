//! Steps: the only things that change the world.

use std::collections::BTreeSet;
use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

use crate::{
    BackupContent, BackupOrder, BackupSource, ClusterSeed, DataSource, EngineVersion, Failure, Generation, ImportSource,
    ImportTarget, NodeAddress, NodeAllocation, NodeId, NodeSerial, NodeSettings, Reseeding, ShardIndex, SlotSet, StepKind,
    SwitchoverStep, Timestamp, Uid,
};

/// Who may use a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Clients, as far as the product and the instance's part go, and the daemon.
    Clients,
    /// The daemon only: a part of the data is of no use to anybody. Becomes `Clients` with [`Step::ConfirmImport`].
    DaemonOnly,
}

/// Something to do now: fully specified, idempotent, with a post-condition that the next observation can see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Durably set nodes aside. Seen in `DesiredInstance::nodes`.
    AllocateNodes {
        /// The nodes.
        nodes: Vec<NodeAllocation>,
    },
    /// Make a node's folder with configuration, ACL and first `nodes.conf`. Seen in `NodeObservation::files`.
    PrepareNode {
        /// The node.
        node: NodeSerial,
        /// What to configure.
        settings: NodeSettings,
        /// The cluster it wakes up in.
        seed: ClusterSeed,
        /// Who may use it.
        admission: Admission,
    },
    /// Start a node's process from its folder. Seen in `NodeObservation::process`.
    StartProcess {
        /// The node.
        node: NodeSerial,
        /// The version line to start.
        engine: EngineVersion,
        /// The cluster it wakes up in, in place of the one it remembers. Nothing where its memory is as good as anybody's.
        seed: Option<ClusterSeed>,
        /// What it begins with. Data that it does not begin with is removed, as it is not to be loaded ever again.
        load: Option<DataSource>,
    },
    /// End a node's process. Seen in `NodeObservation::process`.
    StopProcess {
        /// The node.
        node: NodeSerial,
        /// How.
        manner: StopManner,
    },
    /// End an engine whose process cannot be found, through its own admin connection (`SHUTDOWN NOSAVE`). Seen in
    /// `NodeObservation::engine`.
    ShutDownEngine {
        /// The node.
        node: NodeSerial,
    },
    /// Remove a node's folder; its process is absent. Seen in `NodeObservation::files`.
    RemoveFiles {
        /// The node.
        node: NodeSerial,
    },
    /// Make a replica the primary of its shard without asking the others: its primary is certainly dead. Seen in its role.
    TakeOver {
        /// The replica.
        node: NodeSerial,
    },
    /// Make an empty node copy a primary. Seen in its role.
    Replicate {
        /// The node.
        node: NodeSerial,
        /// The primary.
        primary: NodeId,
    },
    /// Introduce a node to others that do not know each other yet. Seen in the peers of both.
    Meet {
        /// The node to tell.
        node: NodeSerial,
        /// Where the others are.
        peers: Vec<NodeAddress>,
    },
    /// Make a replica the primary of its shard by agreement with the living primary, which waits until the replica has
    /// everything. Seen in its role.
    FailOver {
        /// The replica.
        node: NodeSerial,
    },
    /// Begin or continue to move slots with their keys to another primary. Seen in the slots of both, and meanwhile in
    /// `EngineSeen::migrations` or `EngineSeen::open_slots`.
    MoveSlots {
        /// The primary that owns them.
        node: NodeSerial,
        /// The primary that is to own them.
        target: MoveTarget,
        /// Which.
        slots: SlotSet,
        /// How.
        way: MoveWay,
    },
    /// Make a slot that nobody living claims the property of this primary. Seen in its slots.
    ClaimSlots {
        /// The primary.
        node: NodeSerial,
        /// Which.
        slots: SlotSet,
    },
    /// Copy the functions of one primary to another that has none: slots do not carry them. Seen in
    /// `EngineSeen::libraries`.
    CopyFunctions {
        /// The primary without.
        node: NodeSerial,
        /// Where one that has them listens.
        source: SocketAddrV4,
    },
    /// Write a node's configuration, unless its folder is gone, and set what differs while it runs. Seen in `EngineSeen::settings`.
    Configure {
        /// The node.
        node: NodeSerial,
        /// The whole configuration.
        settings: NodeSettings,
        /// Data on disk that its persistence does not write any more, which is removed.
        surplus: Vec<DataSource>,
    },
    /// Have a node write a snapshot of its data; the step only begins it. Seen in `DataSeen::snapshot`, and meanwhile in
    /// `PersistenceSeen::is_saving`.
    SaveSnapshot {
        /// The node.
        node: NodeSerial,
    },
    /// Take the data of every shard into the backup store, in the background. What a former attempt left there goes first. Seen
    /// in `Observation::backup`.
    BeginBackup {
        /// The backup.
        order: BackupOrder,
        /// A node of each shard.
        sources: Vec<BackupSource>,
    },
    /// Tell the work on a backup to end; nothing is done where there is none. Seen in `Observation::backup`.
    StopBackup,
    /// Durably record that a backup is complete; ends its operation. Seen in `DesiredInstance::backup`.
    RecordBackup {
        /// The backup.
        backup: Uid,
        /// What is in it.
        content: BackupContent,
    },
    /// Durably give up a backup, whose files are then removed. Seen in `DesiredInstance::backup`.
    AbandonBackup {
        /// The backup.
        backup: Uid,
        /// What its operation reports.
        failure: Failure,
    },
    /// Read the instance's first data and put each key into the folder of the node that gets its slot, in the background. Seen
    /// in `FilesSeen::import`, and meanwhile in `Observation::import`.
    BeginImport {
        /// Where the data comes from.
        source: ImportSource,
        /// A node of each shard.
        targets: Vec<ImportTarget>,
    },
    /// Tell the work on first data to end. Seen in `Observation::import`.
    StopImport,
    /// Let clients use a node that has loaded all the first data in its folder, and note that. Seen in `FilesSeen::import`.
    ConfirmImport {
        /// The node.
        node: NodeSerial,
    },
    /// Remove the note about first data of a node whose instance is complete, and files that its persistence does not write.
    /// Seen in `FilesSeen::import`.
    ForgetImport {
        /// The node.
        node: NodeSerial,
        /// Data that is not needed any more.
        surplus: Vec<DataSource>,
    },
    /// Have one link of this shard run, from the shard's primary in the primary instance to its primary here: one that runs between
    /// others is ended first, and so is one that stands still. Seen in `ReplicationSeen::links`.
    EnsureLink {
        /// The shard.
        shard: ShardIndex,
        /// Where the primary of the shard listens there.
        source: SocketAddrV4,
        /// The node that is written to.
        target: NodeSerial,
    },
    /// End the link of this shard between two batches. Seen in `ReplicationSeen::links`.
    EndLink {
        /// The shard.
        shard: ShardIndex,
    },
    /// Durably say which shards are to get their data anew from the primary instance. Seen in `Replication::reseeding`.
    SetReseeding {
        /// All of them.
        shards: Reseeding,
    },
    /// Remove the point that a node of a detached instance carries. Seen in `ReplicationSeen::points`.
    ClearPoint {
        /// The node.
        node: NodeSerial,
    },
    /// Durably record that nothing of a detached instance's former part is left, but for shards that are down. Seen in its role.
    RecordDetached {
        /// Shards of which nobody lives: what comes back may carry a point.
        rest: BTreeSet<ShardIndex>,
    },
    /// A part of a change of places between a primary instance and a secondary.
    SwitchOver(SwitchoverStep),
    /// Make a node forget others that leave. Seen in its peers.
    Forget {
        /// The node.
        node: NodeSerial,
        /// Whom.
        peers: Vec<NodeId>,
    },
    /// Durably choose nodes that leave. Seen in their `Standing`.
    RetireNodes {
        /// The nodes.
        nodes: Vec<NodeSerial>,
    },
    /// Remove the allocations of nodes of which nothing is left. Seen in `DesiredInstance::nodes`.
    ReleaseNodes {
        /// The nodes.
        nodes: Vec<NodeSerial>,
    },
    /// Durably record that a shard lost its data. Seen in `DesiredInstance::losses`.
    RecordDataLoss {
        /// The shard.
        shard: ShardIndex,
        /// When it was noticed.
        at: Timestamp,
        /// The time of the copy it comes back with, if there is one.
        restored_to: Option<Timestamp>,
    },
    /// Durably give up a change: the instance goes back to what it was when it was last complete. Seen in the spec.
    AbandonUpdate {
        /// What the update operation reports.
        failure: Failure,
    },
    /// Open the discovery endpoint, or point it at these nodes. Seen in `Observation::discovery`.
    OpenDiscovery {
        /// Nodes in order of preference.
        backends: Vec<SocketAddrV4>,
    },
    /// Close the discovery endpoint. Seen in `Observation::discovery`.
    CloseDiscovery,
    /// Durably record that this generation was seen complete; ends the operations up to it.
    RecordConverged {
        /// The generation.
        generation: Generation,
    },
    /// Durably give up a creation; what was made will be removed. Seen in the lifecycle.
    AbandonCreate {
        /// What the create operation reports.
        failure: Failure,
    },
    /// Remove the record and free the address; nothing of the instance is left. Ends its operations.
    RemoveInstance,
}

/// Where slots go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTarget {
    /// The primary's identity.
    pub id: NodeId,
    /// Where it listens for clients.
    pub address: SocketAddrV4,
}

/// How slots move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveWay {
    /// All at once at the end, by the engines themselves (`CLUSTER MIGRATESLOTS`); the step only begins it.
    Atomic,
    /// Slot by slot, key by key (`SETSLOT`, `MIGRATE`); the step moves what fits into its time and is repeated.
    ByKeys {
        /// Other primaries that are told of each new owner at once.
        witnesses: Vec<SocketAddrV4>,
    },
}

/// How a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopManner {
    /// Ask it (SIGTERM).
    Terminate,
    /// Make it (SIGKILL).
    Kill,
}

impl Step {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> StepKind {
        match self {
            Self::AllocateNodes { .. } => StepKind::AllocateNodes,
            Self::PrepareNode { .. } => StepKind::PrepareNode,
            Self::StartProcess { .. } => StepKind::StartProcess,
            Self::StopProcess { .. } => StepKind::StopProcess,
            Self::ShutDownEngine { .. } => StepKind::ShutDownEngine,
            Self::RemoveFiles { .. } => StepKind::RemoveFiles,
            Self::TakeOver { .. } => StepKind::TakeOver,
            Self::Replicate { .. } => StepKind::Replicate,
            Self::Meet { .. } => StepKind::Meet,
            Self::FailOver { .. } => StepKind::FailOver,
            Self::MoveSlots { .. } => StepKind::MoveSlots,
            Self::ClaimSlots { .. } => StepKind::ClaimSlots,
            Self::CopyFunctions { .. } => StepKind::CopyFunctions,
            Self::Configure { .. } => StepKind::Configure,
            Self::SaveSnapshot { .. } => StepKind::SaveSnapshot,
            Self::BeginBackup { .. } => StepKind::BeginBackup,
            Self::StopBackup => StepKind::StopBackup,
            Self::RecordBackup { .. } => StepKind::RecordBackup,
            Self::AbandonBackup { .. } => StepKind::AbandonBackup,
            Self::BeginImport { .. } => StepKind::BeginImport,
            Self::StopImport => StepKind::StopImport,
            Self::ConfirmImport { .. } => StepKind::ConfirmImport,
            Self::ForgetImport { .. } => StepKind::ForgetImport,
            Self::EnsureLink { .. } => StepKind::EnsureLink,
            Self::EndLink { .. } => StepKind::EndLink,
            Self::SetReseeding { .. } => StepKind::SetReseeding,
            Self::ClearPoint { .. } => StepKind::ClearPoint,
            Self::RecordDetached { .. } => StepKind::RecordDetached,
            Self::SwitchOver(_) => StepKind::SwitchOver,
            Self::Forget { .. } => StepKind::Forget,
            Self::RetireNodes { .. } => StepKind::RetireNodes,
            Self::ReleaseNodes { .. } => StepKind::ReleaseNodes,
            Self::RecordDataLoss { .. } => StepKind::RecordDataLoss,
            Self::AbandonUpdate { .. } => StepKind::AbandonUpdate,
            Self::OpenDiscovery { .. } => StepKind::OpenDiscovery,
            Self::CloseDiscovery => StepKind::CloseDiscovery,
            Self::RecordConverged { .. } => StepKind::RecordConverged,
            Self::AbandonCreate { .. } => StepKind::AbandonCreate,
            Self::RemoveInstance => StepKind::RemoveInstance,
        }
    }

    /// The node it concerns, if it concerns one.
    #[must_use]
    pub fn node(&self) -> Option<NodeSerial> {
        match self {
            Self::PrepareNode { node, .. }
            | Self::StartProcess { node, .. }
            | Self::StopProcess { node, .. }
            | Self::ShutDownEngine { node }
            | Self::RemoveFiles { node }
            | Self::TakeOver { node }
            | Self::Replicate { node, .. }
            | Self::Meet { node, .. }
            | Self::FailOver { node }
            | Self::MoveSlots { node, .. }
            | Self::ClaimSlots { node, .. }
            | Self::CopyFunctions { node, .. }
            | Self::Configure { node, .. }
            | Self::SaveSnapshot { node }
            | Self::ConfirmImport { node }
            | Self::ForgetImport { node, .. }
            | Self::ClearPoint { node }
            | Self::Forget { node, .. } => Some(*node),
            Self::SwitchOver(step) => step.node(),
            Self::AllocateNodes { .. }
            | Self::RetireNodes { .. }
            | Self::ReleaseNodes { .. }
            | Self::BeginBackup { .. }
            | Self::StopBackup
            | Self::RecordBackup { .. }
            | Self::AbandonBackup { .. }
            | Self::BeginImport { .. }
            | Self::StopImport
            | Self::EnsureLink { .. }
            | Self::EndLink { .. }
            | Self::SetReseeding { .. }
            | Self::RecordDetached { .. }
            | Self::RecordDataLoss { .. }
            | Self::AbandonUpdate { .. }
            | Self::OpenDiscovery { .. }
            | Self::CloseDiscovery
            | Self::RecordConverged { .. }
            | Self::AbandonCreate { .. }
            | Self::RemoveInstance => None,
        }
    }
}
