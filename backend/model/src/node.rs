//! Nodes: what is allocated for them and what they are told.

use std::net::{Ipv4Addr, SocketAddrV4};

use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, ConfigEpoch, EngineConfigs, EngineVersion, NodeId, NodeSerial, NodeType, Part, Persistence, Port, ShardId,
    ShardIndex, SlotSet, Zone,
};

/// What is durably set aside for a node before anything is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAllocation {
    /// Its number; its folder is named after it.
    pub serial: NodeSerial,
    /// Its identity on the bus.
    pub id: NodeId,
    /// The shard it serves.
    pub shard: ShardIndex,
    /// What it starts as; later roles are observed, never stored.
    pub initial_role: InitialRole,
    /// Its zone.
    pub zone: Zone,
    /// Where clients reach it.
    pub port: Port,
    /// Where the bus reaches it.
    pub bus_port: Port,
    /// What it is made of. A node never changes its kind: another one takes its place.
    pub kind: NodeKind,
    /// Whether it is to stay.
    pub standing: Standing,
}

/// What a node is made of, and what cannot be changed while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeKind {
    /// Its size.
    pub node_type: NodeType,
    /// The version line of its engine.
    pub engine_version: EngineVersion,
}

/// Whether a node is to stay in its instance. Durable, so that no two looks choose different nodes to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is wanted.
    Member,
    /// It leaves: hands over its shard if it leads it, is forgotten by the others, ends, and its allocation goes last.
    Retiring,
}

/// Where a node is reached by clients and by the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeAddress {
    /// For clients.
    pub client: SocketAddrV4,
    /// For the bus, at the same IP.
    pub bus_port: Port,
}

/// What a node of a new cluster starts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitialRole {
    /// Owner of its shard's share of the slots.
    Primary,
    /// Copy of its shard's primary.
    Replica,
}

/// Everything the engine's configuration and ACL files of a node follow from, the secret apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSettings {
    /// Address to bind and announce.
    pub ip: Ipv4Addr,
    /// Client port.
    pub port: Port,
    /// Bus port.
    pub bus_port: Port,
    /// Version line of the binary.
    pub engine: EngineVersion,
    /// Shown to clients as the node's availability zone.
    pub zone: Zone,
    /// Sets the defaults of connection limits.
    pub node_type: NodeType,
    /// Memory for data.
    pub maxmemory: ByteSize,
    /// Settings the user changed.
    pub configs: EngineConfigs,
    /// What it keeps on disk.
    pub persistence: Persistence,
    /// Its instance's part in a replication.
    pub part: Part,
    /// How much of its replication stream it keeps.
    pub backlog: ByteSize,
}

/// The cluster as a node's first `nodes.conf` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSeed {
    /// The highest epoch in use.
    pub current_epoch: ConfigEpoch,
    /// Every node, the one being prepared included.
    pub nodes: Vec<SeedNode>,
}

/// A line of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedNode {
    /// Identity on the bus.
    pub id: NodeId,
    /// Client address.
    pub address: SocketAddrV4,
    /// Bus port at the same IP.
    pub bus_port: Port,
    /// Identity of its shard.
    pub shard: ShardId,
    /// Its role.
    pub role: SeedRole,
}

/// A node's role in a seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedRole {
    /// Owns slots.
    Primary {
        /// Which.
        slots: SlotSet,
        /// Its claim to them.
        epoch: ConfigEpoch,
    },
    /// Copies a primary.
    Replica {
        /// Which.
        of: NodeId,
    },
}
