//! The cluster that a node wakes up in: the first layout, corrected by what the living nodes say.
//!
//! Called when a folder is prepared. Its invariant: each slot has at most one owner in a seed, and a node whose folder was
//! lost comes back in the role that the others know it in.

use valkyard_model::{ClusterSeed, ConfigEpoch, SeedNode, SeedRole, ShardId, ShardIndex, SlotRange, SlotSet, even_shares};

use crate::cluster::{Cluster, Node, Shard};

/// Everything the nodes of an instance have to know of each other to form its cluster.
pub(crate) fn cluster_seed(cluster: &Cluster<'_>) -> ClusterSeed {
    let shares = even_shares(cluster.desired.spec.shard_count);
    let claimed: Vec<&SlotSet> = cluster.shards.iter().filter_map(|shard| shard.claim?.slots).collect();
    let mut nodes = Vec::new();
    for shard in &cluster.shards {
        nodes.extend(shard_lines(cluster, shard, &shares, &claimed));
    }
    let current_epoch = highest_epoch(cluster, &nodes);
    ClusterSeed { current_epoch, nodes }
}

fn shard_lines(cluster: &Cluster<'_>, shard: &Shard<'_>, shares: &[SlotRange], claimed: &[&SlotSet]) -> Vec<SeedNode> {
    let Some(primary) = shard.owner().or_else(|| shard.initial_primary()) else { return Vec::new() };
    let (slots, epoch) = match shard.claim.and_then(|claim| Some((claim.slots?, claim.epoch))) {
        Some((slots, epoch)) => (slots.clone(), epoch),
        None => (first_share(shard.index, shares, claimed), first_epoch(shard.index)),
    };
    let line = |node: &Node<'_>, role| SeedNode {
        id: node.id().clone(),
        address: node.client_address(cluster.desired),
        bus_port: node.allocation.bus_port,
        shard: ShardId::derive(cluster.desired.uid, shard.index),
        role,
    };
    let mut lines = vec![line(primary, SeedRole::Primary { slots, epoch })];
    lines.extend(shard.siblings(primary).map(|node| line(node, SeedRole::Replica { of: primary.id().clone() })));
    lines
}

/// A new shard's even share, unless a living node claims some of it.
fn first_share(shard: ShardIndex, shares: &[SlotRange], claimed: &[&SlotSet]) -> SlotSet {
    let share: SlotSet = shares.get(usize::from(shard.0)).copied().into_iter().collect();
    if claimed.iter().any(|slots| slots.overlaps(&share)) { SlotSet::default() } else { share }
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
