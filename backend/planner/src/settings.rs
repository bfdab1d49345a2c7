//! What a node is configured with: follows from the spec and the node's allocation, nothing else.

use valkyard_model::{ByteSize, DesiredInstance, NodeAllocation, NodeSettings, Part};

/// The settings of one node of this instance.
#[must_use]
pub fn node_settings(desired: &DesiredInstance, allocation: &NodeAllocation) -> NodeSettings {
    NodeSettings {
        ip: desired.address.ip,
        port: allocation.port,
        bus_port: allocation.bus_port,
        engine: allocation.kind.engine_version,
        zone: allocation.zone.clone(),
        node_type: allocation.kind.node_type,
        maxmemory: maxmemory(desired),
        configs: desired.spec.engine_configs.clone(),
        persistence: desired.spec.persistence,
        part: desired.replication.part(),
        backlog: desired.replication.part().backlog(desired.maxmemory),
    }
}

/// Memory for data on each node. A copy has no limit of its own: what is evicted is its source's decision, and in import mode an
/// engine at its limit refuses the writes that would make room.
pub(crate) fn maxmemory(desired: &DesiredInstance) -> ByteSize {
    match desired.replication.part() {
        Part::None | Part::Source => desired.maxmemory,
        Part::Copy => ByteSize(0),
    }
}
