//! An accepted instance: the durable truth that observation is compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AdminSecret, ByteSize, Failure, Generation, InstanceAddress, InstanceName, InstanceSpec, NodeAllocation, NodeSerial,
    Timestamp, Uid,
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
    /// When it was accepted.
    pub create_time: Timestamp,
    /// When the spec changed last.
    pub update_time: Timestamp,
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
