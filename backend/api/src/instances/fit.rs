//! Whether data has room in the nodes that are asked for: what an instance holds in those of a change, a backup in new ones.
//!
//! Asked before the request is accepted, so that a shape that is too small is refused before anything moves. What is held was
//! seen at the last look; the planner weighs it again while it moves slots, shard by shard.

use valkyard_model::{ByteSize, InstanceName, InstanceSpec, MemoryPolicy, NodeType, Observation, RoleSeen};

use super::memory::maxmemory;
use crate::ApiError;

const NONE_WOULD_DO: &str = "no shape of these replicas would do on this machine: remove data first";

/// A change to nodes that cannot hold the data.
#[derive(Debug, thiserror::Error)]
#[error(
    "the data of '{name}' is {data}, and {shape} can hold {room} (7/8 of their memory for data, the rest is for what is written meanwhile): {advice}"
)]
pub struct DataDoesNotFit {
    name: InstanceName,
    data: Readable,
    shape: String,
    room: Readable,
    advice: String,
}

/// A change of nodes that is asked for.
pub(super) struct Change<'a> {
    /// Of which instance.
    pub(super) name: &'a InstanceName,
    /// What its nodes hold together without their copies at present, at most.
    pub(super) present_room: ByteSize,
    /// What is asked for.
    pub(super) wanted: &'a InstanceSpec,
    /// How sizes are scaled to this machine.
    pub(super) policy: MemoryPolicy,
}

/// What the nodes of this shape hold together without their copies, when each is full.
pub(super) fn room(shard_count: u16, maxmemory: ByteSize) -> ByteSize {
    ByteSize(u64::from(shard_count).saturating_mul(maxmemory.0))
}

/// What the primaries hold, as far as they answered.
pub(super) fn data_held(observed: &Observation) -> ByteSize {
    let engines = observed.nodes.values().filter_map(|node| node.engine.known());
    ByteSize(engines.filter(|engine| engine.role == RoleSeen::Primary).map(|engine| engine.data.0).sum())
}

impl Change<'_> {
    /// Refuses a change to less room than the data needs. One to as much room or more is none of this check's business: a
    /// cache that is full may still get another version, and as much memory in more shards.
    pub(super) fn refuse_if_too_small(&self, data: ByteSize) -> Result<(), ApiError> {
        let shape = Shape { spec: self.wanted, policy: self.policy };
        if !shape.room().is_less_than(self.present_room) || shape.holds(data) {
            return Ok(());
        }
        Err(ApiError::DataDoesNotFit(Box::new(DataDoesNotFit {
            name: self.name.clone(),
            data: Readable(data),
            shape: shape.to_string(),
            room: Readable(shape.usable_room()),
            advice: shape.larger_ones(data).unwrap_or_else(|| NONE_WOULD_DO.to_owned()),
        })))
    }
}

/// Nodes that are asked for, on this machine.
pub(super) struct Shape<'a> {
    /// What is asked for.
    pub(super) spec: &'a InstanceSpec,
    /// How sizes are scaled to this machine.
    pub(super) policy: MemoryPolicy,
}

impl Shape<'_> {
    fn room(&self) -> ByteSize {
        room(self.spec.shard_count, maxmemory(&self.policy, self.spec))
    }

    /// What they can be counted on to hold.
    pub(super) fn usable_room(&self) -> ByteSize {
        room(self.spec.shard_count, maxmemory(&self.policy, self.spec).usable())
    }

    /// What one of them can be counted on to hold.
    pub(super) fn usable_room_of_node(&self) -> ByteSize {
        maxmemory(&self.policy, self.spec).usable()
    }

    /// The smallest of the larger types whose nodes can be counted on to hold this much each, if there is one.
    pub(super) fn larger_node_type(&self, data: ByteSize) -> Option<NodeType> {
        self.larger_node_types().find(|node_type| {
            let spec = InstanceSpec { node_type: *node_type, ..self.spec.clone() };
            data <= Shape { spec: &spec, policy: self.policy }.usable_room_of_node()
        })
    }

    fn larger_node_types(&self) -> impl Iterator<Item = NodeType> {
        let size = self.spec.node_type.size();
        let types = NodeType::ALL.into_iter().filter(|node_type| !node_type.is_cluster_mode_disabled_only());
        types.filter(move |node_type| node_type.size() > size)
    }

    /// Whether they can be counted on to hold this much.
    pub(super) fn holds(&self, data: ByteSize) -> bool {
        data <= self.usable_room()
    }

    fn would_hold(&self, spec: &InstanceSpec, data: ByteSize) -> bool {
        Shape { spec, policy: self.policy }.holds(data)
    }

    /// The nearest shapes that would do, if there are any.
    pub(super) fn larger_ones(&self, data: ByteSize) -> Option<String> {
        let spec = self.spec;
        let more_shards = (spec.shard_count..=spec.shard_count_max())
            .find(|count| self.would_hold(&InstanceSpec { shard_count: *count, ..spec.clone() }, data))
            .map(|count| format!("{} of {}", shards(count), spec.node_type));
        let larger_nodes = self
            .larger_node_types()
            .find(|node_type| self.would_hold(&InstanceSpec { node_type: *node_type, ..spec.clone() }, data))
            .map(|node_type| format!("{} of {node_type}", shards(spec.shard_count)));
        let shapes: Vec<String> = more_shards.into_iter().chain(larger_nodes).collect();
        (!shapes.is_empty()).then(|| format!("{} would do", shapes.join(" or ")))
    }
}

impl std::fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", shards(self.spec.shard_count), self.spec.node_type)
    }
}

fn shards(count: u16) -> String {
    if count == 1 { "1 shard".to_owned() } else { format!("{count} shards") }
}

/// A size for people: MiB with one digit.
#[derive(Debug)]
pub(super) struct Readable(pub(super) ByteSize);

impl std::fmt::Display for Readable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MIB: u64 = 1 << 20;
        let tenths = self.0.0.saturating_mul(10) / MIB;
        write!(f, "{}.{} MiB", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests;
