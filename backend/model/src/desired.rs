//! An accepted instance: the durable truth that observation is compared with.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    AdminSecret, BackupOrder, ByteSize, Failure, Generation, ImportSource, InstanceAddress, InstanceName, InstanceSpec,
    NodeAllocation, NodeKind, NodeSerial, Replication, ShardIndex, Timestamp, Uid, Zone,
};

/// A validated spec with everything that cannot be observed: identity, generation, allocations, the secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredInstance {
    /// Its name.
    pub name: InstanceName,
    /// Its incarnation.
    pub uid: Uid,
    /// Bumped by every accepted write.
    pub generation: Generation,
    /// The last generation that changed something about its nodes; later ones are done without touching them.
    pub shape_generation: Generation,
    /// How far observation has confirmed the spec.
    pub convergence: Convergence,
    /// Whether it should exist.
    pub lifecycle: Lifecycle,
    /// What was asked for.
    pub spec: InstanceSpec,
    /// What it was when it was last seen complete; a change that cannot succeed goes back to it. Nothing while creating.
    pub settled: Option<Settled>,
    /// Memory for data on each node, after scaling; decided when the spec was accepted.
    pub maxmemory: ByteSize,
    /// Where it listens.
    pub address: InstanceAddress,
    /// The nodes that were allocated, running or not.
    pub nodes: BTreeMap<NodeSerial, NodeAllocation>,
    /// The serial the next node gets.
    pub next_serial: NodeSerial,
    /// Password of the daemon's user.
    pub secret: AdminSecret,
    /// Zones of its location that an administrator took away; their nodes stay down until they are given back.
    pub zones_out: BTreeSet<Zone>,
    /// Shards whose data was lost with all their nodes, in order of time.
    pub losses: Vec<DataLoss>,
    /// The backup that it is to make.
    #[serde(default)]
    pub backup: Option<BackupOrder>,
    /// Whether there are backups in its collection.
    #[serde(default)]
    pub has_backups: bool,
    /// Its part in the replication between instances.
    #[serde(default)]
    pub replication: Replication,
    /// When it was accepted.
    pub create_time: Timestamp,
    /// When the spec changed last.
    pub update_time: Timestamp,
}

/// The spec of a complete instance with what was decided for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The spec.
    pub spec: InstanceSpec,
    /// Memory for data on each node.
    pub maxmemory: ByteSize,
}

/// A shard that lost data: all its nodes had ended, and what they had written down was nothing or less than it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataLoss {
    /// The shard.
    pub shard: ShardIndex,
    /// When it was noticed.
    pub at: Timestamp,
    /// The time of the copy that it came back with: later writes are lost. Nothing if it came back empty.
    #[serde(default)]
    pub restored_to: Option<Timestamp>,
}

impl DesiredInstance {
    /// Whether a change of its nodes is under way.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.settled.is_some() && !self.convergence.has_reached(self.shape_generation)
    }

    /// Where its first data comes from, while that is not in yet.
    #[must_use]
    pub fn importing(&self) -> Option<&ImportSource> {
        self.spec.import.as_ref().filter(|_| self.convergence == Convergence::Never && self.lifecycle == Lifecycle::Present)
    }

    /// What its nodes are to be made of.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        self.spec.kind()
    }
}

/// How far observation has confirmed the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Convergence {
    /// Never: the instance is being created.
    Never,
    /// The newest generation that was seen complete.
    At {
        /// That generation.
        generation: Generation,
    },
}

impl Convergence {
    /// Whether the spec of this generation, or a later one, was seen complete.
    #[must_use]
    pub fn has_reached(self, wanted: Generation) -> bool {
        match self {
            Self::Never => false,
            Self::At { generation } => generation >= wanted,
        }
    }
}

/// Whether an instance should exist. Deleting is a state until observation says that nothing is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lifecycle", rename_all = "snake_case")]
pub enum Lifecycle {
    /// It should.
    Present,
    /// A client asked for its deletion.
    Deleting,
    /// Its creation failed; what was made is being removed, then the record goes.
    Abandoned {
        /// What its create operation reports.
        failure: Failure,
    },
}
