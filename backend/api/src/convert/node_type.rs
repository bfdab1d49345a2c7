//! Node types, both ways.

use memorystore_proto::v1::instance::NodeType as Message;
use valkyard_model::NodeType;

pub(super) fn node_type_message(node_type: NodeType) -> Message {
    match node_type {
        NodeType::SharedCoreNano => Message::SharedCoreNano,
        NodeType::CustomPico => Message::CustomPico,
        NodeType::CustomMicro => Message::CustomMicro,
        NodeType::CustomMini => Message::CustomMini,
        NodeType::StandardSmall => Message::StandardSmall,
        NodeType::HighmemMedium => Message::HighmemMedium,
        NodeType::HighcpuMedium => Message::HighcpuMedium,
        NodeType::StandardLarge => Message::StandardLarge,
        NodeType::HighmemXlarge => Message::HighmemXlarge,
        NodeType::Highmem2xlarge => Message::Highmem2xlarge,
    }
}

pub(super) fn node_type_of(message: Message) -> Option<NodeType> {
    match message {
        Message::Unspecified => None,
        Message::SharedCoreNano => Some(NodeType::SharedCoreNano),
        Message::CustomPico => Some(NodeType::CustomPico),
        Message::CustomMicro => Some(NodeType::CustomMicro),
        Message::CustomMini => Some(NodeType::CustomMini),
        Message::StandardSmall => Some(NodeType::StandardSmall),
        Message::HighmemMedium => Some(NodeType::HighmemMedium),
        Message::HighcpuMedium => Some(NodeType::HighcpuMedium),
        Message::StandardLarge => Some(NodeType::StandardLarge),
        Message::HighmemXlarge => Some(NodeType::HighmemXlarge),
        Message::Highmem2xlarge => Some(NodeType::Highmem2xlarge),
    }
}
