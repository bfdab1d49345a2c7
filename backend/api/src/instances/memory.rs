//! Memory for data on each node of an instance: decided when a spec is accepted, so that a change of the machine or of the
//! daemon's configuration disturbs no running node.

use valkyard_model::{ByteSize, InstanceSpec, MemoryPolicy};

/// `maxmemory` of each node that this spec asks for.
pub(super) fn maxmemory(policy: &MemoryPolicy, spec: &InstanceSpec) -> ByteSize {
    match spec.engine_configs.maxmemory() {
        Some(amount) => policy.scaled(amount, spec.node_type, spec.node_count()),
        None => policy.maxmemory(spec.node_type, spec.node_count()),
    }
}
