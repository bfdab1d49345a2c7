//! The sizes of node types, known before anything is created.
//!
//! Planning calls it for `node_config`. Invariant: the figures are those of the product's table of node
//! specifications (2026), which the daemon reports too.

use memorystore_proto::v1::instance::NodeType;
use provider_framework::{Object, Value};

/// Node types of clusters; the `CUSTOM_*` ones are for instances with cluster mode disabled.
pub(crate) const CLUSTER_NODE_TYPES: [NodeType; 7] = [
    NodeType::SharedCoreNano,
    NodeType::StandardSmall,
    NodeType::HighmemMedium,
    NodeType::HighcpuMedium,
    NodeType::StandardLarge,
    NodeType::HighmemXlarge,
    NodeType::Highmem2xlarge,
];

/// Memory of the whole node in GB.
fn size_gb(node_type: NodeType) -> Option<f64> {
    match node_type {
        NodeType::SharedCoreNano => Some(1.4),
        NodeType::CustomPico => Some(1.25),
        NodeType::CustomMicro => Some(2.5),
        NodeType::CustomMini => Some(3.75),
        NodeType::StandardSmall => Some(6.5),
        NodeType::HighmemMedium | NodeType::HighcpuMedium => Some(13.0),
        NodeType::StandardLarge => Some(26.0),
        NodeType::HighmemXlarge => Some(58.0),
        NodeType::Highmem2xlarge => Some(110.0),
        NodeType::Unspecified => None,
    }
}

/// The `node_config` that instances of this node type have, if the type is known here.
pub(crate) fn node_config(node_type: &str) -> Option<Object> {
    Some(object(size_gb(NodeType::from_str_name(node_type)?)?))
}

/// `node_config` of this size.
pub(crate) fn object(size_gb: f64) -> Object {
    // The shortest decimal that reads back as this float: 1.4, not 1.399999999999999911.
    let size = size_gb.to_string().parse::<provider_framework::Number>();
    Object::new().with("size_gb", size.map_or(Value::Null, Value::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_type_of_clusters_has_a_size() {
        for node_type in CLUSTER_NODE_TYPES {
            assert!(node_config(node_type.as_str_name()).is_some(), "{node_type:?}");
        }
        assert_eq!(node_config("SHARED_CORE_NANO").map(|c| c.value("size_gb").to_string()), Some("1.4".to_owned()));
        assert_eq!(node_config("HUGE"), None);
    }
}
