//! What a node is configured with: follows from the spec and the node's allocation, nothing else.

use valkyard_model::{DesiredInstance, NodeAllocation, NodeSettings};

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
        maxmemory: desired.maxmemory,
        configs: desired.spec.engine_configs.clone(),
        persistence: desired.spec.persistence,
    }
}
