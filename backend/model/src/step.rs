//! Steps: the only things that change the world.

use std::fmt;
use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

use crate::{ClusterSeed, EngineVersion, Failure, Generation, NodeAllocation, NodeId, NodeSerial, NodeSettings};

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
    },
    /// Start a node's process from its folder. Seen in `NodeObservation::process`.
    StartProcess {
        /// The node.
        node: NodeSerial,
        /// The version line to start.
        engine: EngineVersion,
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
    /// Tell a node where another listens. Seen in its peers.
    Meet {
        /// The node to tell.
        node: NodeSerial,
        /// The other's client address.
        peer: SocketAddrV4,
        /// The other's bus port.
        bus_port: crate::Port,
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

/// How a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopManner {
    /// Ask it (SIGTERM).
    Terminate,
    /// Make it (SIGKILL).
    Kill,
}

/// A step without its content: what faults and logs name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// [`Step::AllocateNodes`]
    AllocateNodes,
    /// [`Step::PrepareNode`]
    PrepareNode,
    /// [`Step::StartProcess`]
    StartProcess,
    /// [`Step::StopProcess`]
    StopProcess,
    /// [`Step::ShutDownEngine`]
    ShutDownEngine,
    /// [`Step::RemoveFiles`]
    RemoveFiles,
    /// [`Step::TakeOver`]
    TakeOver,
    /// [`Step::Replicate`]
    Replicate,
    /// [`Step::Meet`]
    Meet,
    /// [`Step::OpenDiscovery`]
    OpenDiscovery,
    /// [`Step::CloseDiscovery`]
    CloseDiscovery,
    /// [`Step::RecordConverged`]
    RecordConverged,
    /// [`Step::AbandonCreate`]
    AbandonCreate,
    /// [`Step::RemoveInstance`]
    RemoveInstance,
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
            | Self::Meet { node, .. } => Some(*node),
            Self::AllocateNodes { .. }
            | Self::OpenDiscovery { .. }
            | Self::CloseDiscovery
            | Self::RecordConverged { .. }
            | Self::AbandonCreate { .. }
            | Self::RemoveInstance => None,
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllocateNodes => "allocate nodes",
            Self::PrepareNode => "prepare node",
            Self::StartProcess => "start process",
            Self::StopProcess => "stop process",
            Self::ShutDownEngine => "shut down engine",
            Self::RemoveFiles => "remove files",
            Self::TakeOver => "take over",
            Self::Replicate => "replicate",
            Self::Meet => "meet",
            Self::OpenDiscovery => "open discovery endpoint",
            Self::CloseDiscovery => "close discovery endpoint",
            Self::RecordConverged => "record convergence",
            Self::AbandonCreate => "abandon creation",
            Self::RemoveInstance => "remove instance",
        })
    }
}
