//! How much memory a node may use on this machine (DESIGN D15).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::NodeType;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The part of a node's memory, in eighths, that is counted on for data: the replication backlog takes a sixteenth, the
/// engine's own tables, uneven slots and what is written meanwhile the rest.
const USABLE_EIGHTHS: u64 = 7;

impl ByteSize {
    /// The data that nodes with this much memory can be counted on to hold.
    #[must_use]
    pub fn usable(self) -> Self {
        Self(self.0 / 8 * USABLE_EIGHTHS)
    }

    /// Whether this is really less memory than `other`. Sizes scaled to a machine are rounded for each node, so that less than
    /// a 256th is no difference.
    #[must_use]
    pub fn is_less_than(self, other: Self) -> bool {
        self.0 < other.0 - other.0 / 256
    }
}

/// How true sizes are scaled down to what the machine can bear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryPolicy {
    /// `memory_scale`: a factor in (0, 1]; `None` chooses one per instance so that its nodes together cannot exceed half
    /// of the machine's memory.
    pub scale: Option<f64>,
    /// Memory of this machine.
    pub machine: ByteSize,
}

/// Share of a node's memory that data may take (the product's default `maxmemory`: 80 % of the node's size).
const DATA_SHARE: f64 = 0.8;
/// Share of the machine's memory that the nodes of one instance may take together (DESIGN D15).
const MACHINE_SHARE: f64 = 0.5;
/// The least a node gets: below this an empty engine already evicts (measured: about 2 MiB used when idle).
const NODE_BYTES_MIN: u64 = 16 << 20;

impl MemoryPolicy {
    /// `maxmemory` of one node of an instance with this many nodes of this type.
    #[must_use]
    pub fn maxmemory(&self, node_type: NodeType, nodes: u32) -> ByteSize {
        self.scaled(scale_bytes(node_type.size(), DATA_SHARE), node_type, nodes)
    }

    /// A configured amount of memory per node, scaled like the node's size.
    #[must_use]
    pub fn scaled(&self, amount: ByteSize, node_type: NodeType, nodes: u32) -> ByteSize {
        ByteSize(scale_bytes(amount, self.scale_for(node_type, nodes)).0.max(NODE_BYTES_MIN))
    }

    /// The factor in force for an instance of this shape.
    #[must_use]
    pub fn scale_for(&self, node_type: NodeType, nodes: u32) -> f64 {
        self.scale.unwrap_or_else(|| {
            let wanted = as_f64(node_type.size()) * f64::from(nodes.max(1));
            (as_f64(self.machine) * MACHINE_SHARE / wanted).min(1.0)
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^52 bytes; a byte of rounding does not matter")]
fn as_f64(size: ByteSize) -> f64 {
    size.0 as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product of a size and a factor in (0, 1] is between 0 and the size"
)]
fn scale_bytes(size: ByteSize, factor: f64) -> ByteSize {
    ByteSize((as_f64(size) * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPTOP: MemoryPolicy = MemoryPolicy { scale: None, machine: ByteSize(16 << 30) };

    #[test]
    fn nodes_of_a_large_instance_stay_within_half_of_the_machine() {
        let each = LAPTOP.maxmemory(NodeType::HighmemXlarge, 6);
        assert!(each.0 * 6 <= 8 << 30, "{each} per node");
        assert!(each.0 > 1 << 30, "{each} per node is less than the machine bears");
    }

    #[test]
    fn a_scale_of_one_gives_true_sizes() {
        let policy = MemoryPolicy { scale: Some(1.0), ..LAPTOP };
        assert_eq!(policy.maxmemory(NodeType::HighmemMedium, 100), scale_bytes(ByteSize(13 << 30), 0.8));
    }

    #[test]
    fn a_node_never_gets_less_than_an_empty_engine_needs() {
        let policy = MemoryPolicy { scale: Some(0.0001), ..LAPTOP };
        assert_eq!(policy.maxmemory(NodeType::SharedCoreNano, 1), ByteSize(NODE_BYTES_MIN));
    }

    #[test]
    fn memory_split_among_more_nodes_is_not_less() {
        let halves = LAPTOP.maxmemory(NodeType::HighmemXlarge, 6).0 * 6;
        let whole = LAPTOP.maxmemory(NodeType::HighmemXlarge, 3).0 * 3;
        assert!(!ByteSize(halves).is_less_than(ByteSize(whole)) && !ByteSize(whole).is_less_than(ByteSize(halves)));
        assert!(ByteSize(whole / 2).is_less_than(ByteSize(whole)));
    }
}
