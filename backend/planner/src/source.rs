//! What a primary instance looks like to those who follow it.
//!
//! Called by the loop of the primary, whose observation it reads. Its invariant: a shard that is told of serves, and the nodes that
//! are told of it have its history.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use valkyard_model::{Access, DesiredInstance, Lifecycle, Observation, ShardIndex, SourceSeen, SourceShard};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::moves;

/// The instance as a source.
#[must_use]
pub fn source_seen(desired: &DesiredInstance, observed: &Observation) -> SourceSeen {
    let cluster = Cluster::of(desired, observed);
    let shards: BTreeMap<ShardIndex, SourceShard> =
        cluster.shards.iter().filter_map(|shard| Some((shard.index, source_shard(&cluster, shard)?))).collect();
    let is_whole = cluster
        .holdings()
        .is_some_and(|holdings| holdings.iter().all(|holding| holding.slots.is_empty() || shards.contains_key(&holding.shard)));
    let is_settled = is_whole && !moves::is_any_moving(&cluster) && desired.lifecycle == Lifecycle::Present;
    let is_closed = cluster.nodes().all(is_closed);
    SourceSeen { uid: desired.uid, shards, is_settled, is_closed }
}

fn source_shard(cluster: &Cluster<'_>, shard: &Shard<'_>) -> Option<SourceShard> {
    let primary = shard.primary()?;
    let engine = primary.engine().filter(|engine| engine.cluster_ok && !engine.loading)?;
    let address = |node: &Node<'_>| node.client_address(cluster.desired);
    let copies = shard.siblings(primary).filter(|node| node.is_member() && node.life() == Life::Alive);
    let copies: Vec<SocketAddrV4> = copies.filter(|node| node.copies(primary.id())).map(address).collect();
    Some(SourceShard { slots: engine.slots.clone(), primary: address(primary), copies, offset: engine.replication_offset })
}

/// Whether no client can write to this node.
fn is_closed(node: &Node<'_>) -> bool {
    node.is_dead() || node.engine().is_some_and(|engine| engine.part.access == Access::ReadOnly)
}
