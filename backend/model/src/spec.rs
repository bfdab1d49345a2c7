//! What a user asked for, validated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AutomatedBackups, EngineConfigs, EngineVersion, ImportSource, NodeKind, NodeType, Persistence, ZoneDistribution};

/// Labels of an instance.
pub type Labels = BTreeMap<String, String>;

/// A requested automatic endpoint: the pair comes back exactly as it was sent, or Google's provider plans a replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoConnection {
    /// Consumer project.
    pub project: String,
    /// Consumer network, `projects/P/global/networks/N`.
    pub network: String,
}

/// A validated spec. Only [`crate::validate`] makes one from a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Shards, 1 to 250 together with their replicas.
    pub shard_count: u16,
    /// Replicas per shard, 0 to 5.
    pub replica_count: u16,
    /// Type of every node.
    pub node_type: NodeType,
    /// Engine version line.
    pub engine_version: EngineVersion,
    /// Settings the user changed.
    pub engine_configs: EngineConfigs,
    /// What survives its processes.
    pub persistence: Persistence,
    /// Backups that are made without being asked for.
    #[serde(default)]
    pub automated_backups: AutomatedBackups,
    /// Where its first data comes from; nothing if it begins empty.
    #[serde(default)]
    pub import: Option<ImportSource>,
    /// Placement over zones.
    pub zones: ZoneDistribution,
    /// Whether deletion is refused.
    pub deletion_protection: bool,
    /// Labels.
    pub labels: Labels,
    /// Endpoints that were requested through `endpoints`; shown with the instance's own address.
    pub auto_connections: Vec<AutoConnection>,
    /// Endpoints that were requested through the deprecated `pscAutoConnections`.
    pub legacy_auto_connections: Vec<AutoConnection>,
}

impl InstanceSpec {
    /// Nodes of the instance: shards × (1 + replicas).
    #[must_use]
    pub fn node_count(&self) -> u32 {
        u32::from(self.shard_count) * (1 + u32::from(self.replica_count))
    }

    /// What its nodes are made of.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        NodeKind { node_type: self.node_type, engine_version: self.engine_version }
    }

    /// Whether this spec asks for the same nodes as the other: labels, endpoints, protection and
    /// automated backups concern none, and what it began with cannot change.
    #[must_use]
    pub fn asks_same_nodes(&self, other: &Self) -> bool {
        let Self {
            shard_count,
            replica_count,
            node_type,
            engine_version,
            engine_configs,
            persistence,
            automated_backups: _,
            import: _,
            zones,
            deletion_protection: _,
            labels: _,
            auto_connections: _,
            legacy_auto_connections: _,
        } = self;
        (*shard_count, *replica_count, *node_type, *engine_version)
            == (other.shard_count, other.replica_count, other.node_type, other.engine_version)
            && (engine_configs, persistence, zones) == (&other.engine_configs, &other.persistence, &other.zones)
    }
}
