//! What a change has to do with the nodes, and in which order: replace them by others of another kind, and add or remove
//! shards.
//!
//! Read by `layout`, `handover`, `moves`, `retirement` and `convergence`. Worked out anew from allocations and spec, so it
//! holds at every point of a change. Its invariant: one shard at a time is replaced, and shards move either before all
//! replacements or after them, never between.

use valkyard_model::{ShardIndex, Standing};

use crate::cluster::{Cluster, Node, Shard};

/// Where the change of an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The shard whose nodes may be replaced now.
    pub(crate) replacing: Option<ShardIndex>,
    /// Whether shards may join, leave and exchange slots now.
    pub(crate) may_reshape: bool,
}

impl Change {
    /// A smaller node type comes last, so that the data fits all the time; anything else comes first, so that slots move
    /// between engines of one version, and into nodes that have room.
    pub(crate) fn of(cluster: &Cluster<'_>) -> Self {
        let mut outdated = cluster.shards.iter().filter(|shard| cluster.stays(shard) && has_outdated(cluster, shard));
        let first = outdated.next().map(|shard| shard.index);
        let shrinks = cluster.nodes().filter(|node| node.is_member()).any(|node| {
            node.is_outdated(cluster) && node.allocation.kind.node_type.size() > cluster.desired.spec.node_type.size()
        });
        if first.is_none() || !shrinks {
            return Self { replacing: first, may_reshape: first.is_none() };
        }
        Self { replacing: first.filter(|_| is_reshaped(cluster)), may_reshape: true }
    }

    /// Whether this shard is to have all its nodes, or still waits for its turn.
    pub(crate) fn may_complete(self, cluster: &Cluster<'_>, shard: ShardIndex) -> bool {
        match cluster.shard(shard) {
            Some(present) if has_outdated(cluster, present) => self.replacing == Some(shard),
            Some(_) => true,
            None => self.may_reshape,
        }
    }
}

fn has_outdated(cluster: &Cluster<'_>, shard: &Shard<'_>) -> bool {
    shard.nodes.iter().any(|node| node.is_member() && node.is_outdated(cluster))
}

/// Whether every shard of the spec is there and owns its share, and no other owns anything.
pub(crate) fn is_reshaped(cluster: &Cluster<'_>) -> bool {
    let staying = cluster.shards.iter().filter(|shard| cluster.stays(shard)).count();
    let is_left = |shard: &Shard<'_>| cluster.stays(shard) || shard.nodes.iter().all(|node| !node.is_member());
    staying == usize::from(cluster.desired.spec.shard_count)
        && cluster.shards.iter().all(is_left)
        && cluster.holdings().is_some_and(|holdings| crate::rebalance::decide_moves(&holdings).is_empty())
}

impl Node<'_> {
    /// Whether it is to stay.
    pub(crate) fn is_member(&self) -> bool {
        match self.allocation.standing {
            Standing::Member => true,
            Standing::Retiring => false,
        }
    }

    /// Whether it is made of something else than the spec wants.
    pub(crate) fn is_outdated(&self, cluster: &Cluster<'_>) -> bool {
        self.allocation.kind != cluster.desired.kind()
    }

    /// Whether it stays as it is.
    pub(crate) fn is_current(&self, cluster: &Cluster<'_>) -> bool {
        self.is_member() && !self.is_outdated(cluster)
    }
}
