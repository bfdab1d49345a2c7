//! The cluster that a node wakes up in: the first layout, corrected by what the living nodes say.
//!
//! Called when a folder is prepared, and when a node is told its place at its start. Its invariant: each slot has at most one
//! owner in a seed, and a node whose folder was lost comes back in the role that the others know it in.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use valkyard_model::{ClusterSeed, ConfigEpoch, Convergence, SeedNode, SeedRole, ShardId, ShardIndex, SlotSet};

use crate::cluster::{Cluster, Node, Shard};
use crate::durability::Crown;

/// Everything the nodes of an instance have to know of each other to form its cluster.
pub(crate) fn cluster_seed(cluster: &Cluster<'_>) -> ClusterSeed {
    crowning_seed(cluster, None)
}

/// The same with a dead node as the primary of its shard, whatever the others remember.
pub(crate) fn crowning_seed(cluster: &Cluster<'_>, crown: Option<&Crown>) -> ClusterSeed {
    let claims = settled_claims(cluster, crown);
    let mut nodes = Vec::new();
    for shard in &cluster.shards {
        nodes.extend(shard_lines(cluster, shard, &claims, crown));
    }
    let current_epoch = highest_epoch(cluster, &nodes);
    ClusterSeed { current_epoch, nodes }
}

/// The slots of each shard with its claim to them. Where two claim a slot, the higher epoch has it, as on the bus.
fn settled_claims(cluster: &Cluster<'_>, crown: Option<&Crown>) -> BTreeMap<ShardIndex, (SlotSet, ConfigEpoch)> {
    let mut known: Vec<(ShardIndex, SlotSet, ConfigEpoch)> =
        cluster.shards.iter().filter_map(|shard| Some((shard.index, shard.claim?.slots?.clone(), shard.claim?.epoch))).collect();
    if let Some(crown) = crown {
        let home = cluster.desired.nodes.get(&crown.node).map(|node| node.shard);
        known.retain(|(shard, _, _)| Some(*shard) != home);
        known.extend(home.map(|shard| (shard, crown.slots.clone(), crown.epoch)));
    }
    known.sort_by_key(|(shard, _, epoch)| (Reverse(*epoch), *shard));
    let mut given = SlotSet::default();
    let mut claims = BTreeMap::new();
    for (shard, slots, epoch) in known {
        claims.insert(shard, (slots.without(&given), epoch));
        given = given.union(&slots);
    }
    let shares = cluster.first_shares().unwrap_or_default();
    for shard in cluster.shards.iter().filter(|_| starts_over(cluster)) {
        let share = shares.get(usize::from(shard.index.0)).cloned().unwrap_or_default();
        if !given.overlaps(&share) {
            claims.entry(shard.index).or_insert((share, first_epoch(shard.index)));
        }
    }
    claims
}

/// Whether slots are given out for the first time: in a creation, or when nobody is left who could own any.
fn starts_over(cluster: &Cluster<'_>) -> bool {
    cluster.desired.convergence == Convergence::Never || cluster.nodes().all(Node::is_dead)
}

/// A shard without slots has no claim.
fn shard_lines(
    cluster: &Cluster<'_>,
    shard: &Shard<'_>,
    claims: &BTreeMap<ShardIndex, (SlotSet, ConfigEpoch)>,
    crown: Option<&Crown>,
) -> Vec<SeedNode> {
    let crowned = crown.and_then(|crown| shard.nodes.iter().find(|node| node.serial() == crown.node));
    let owner = shard.owner().filter(|owner| owner.is_member() || !shard.slots().is_empty());
    let lead = || shard.lead().filter(|lead| lead.is_member());
    let Some(primary) = crowned.or(owner).or_else(lead).or_else(|| shard.initial_primary()) else { return Vec::new() };
    let (slots, epoch) = claims.get(&shard.index).cloned().unwrap_or_default();
    let line = |node: &Node<'_>, role| SeedNode {
        id: node.id().clone(),
        address: node.client_address(cluster.desired),
        bus_port: node.allocation.bus_port,
        shard: ShardId::derive(cluster.desired.uid, shard.index),
        role,
    };
    let mut lines = vec![line(primary, SeedRole::Primary { slots, epoch })];
    let copies = shard.siblings(primary).filter(|node| node.is_member());
    lines.extend(copies.map(|node| line(node, SeedRole::Replica { of: primary.id().clone() })));
    lines
}

/// Primaries of a new cluster have the epochs 1 to n: distinct, so that no two claims collide.
fn first_epoch(shard: ShardIndex) -> ConfigEpoch {
    ConfigEpoch(u64::from(shard.0) + 1)
}

fn highest_epoch(cluster: &Cluster<'_>, lines: &[SeedNode]) -> ConfigEpoch {
    let seen = cluster.nodes().filter_map(Node::engine).map(|engine| engine.current_epoch.max(engine.epoch));
    let told = lines.iter().filter_map(|line| match &line.role {
        SeedRole::Primary { epoch, .. } => Some(*epoch),
        SeedRole::Replica { .. } => None,
    });
    let first = ConfigEpoch(u64::from(cluster.desired.spec.shard_count));
    seen.chain(told).fold(first, ConfigEpoch::max)
}
