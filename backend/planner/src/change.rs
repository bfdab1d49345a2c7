//! What a change has to do with the nodes, and in which order: replace them by others of another kind, and add or remove
//! shards.
//!
//! Read by `layout`, `handover`, `moves`, `retirement` and `convergence`. Worked out anew from allocations and spec, so it
//! holds at every point of a change. Its invariant: one shard at a time is replaced, and shards move either before all
//! replacements or after them, never between; only on the way back from an upgrade a shard that gives its slots to older
//! engines is replaced before that, for they could not read them.

use valkyard_model::{ShardIndex, Standing};

use crate::cluster::{Cluster, Node, Shard};
use crate::rebalance::{Move, decide_moves};

/// Where the change of an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The shard whose nodes may be replaced now.
    pub(crate) replacing: Option<ShardIndex>,
    /// Whether shards may join, leave and exchange slots now.
    pub(crate) may_reshape: bool,
}

impl Change {
    /// A smaller node type comes last, so that the data fits all the time, and an older version, which only a way back leads
    /// to, so that slots move between engines of one version; anything else comes first, for the same reasons.
    pub(crate) fn of(cluster: &Cluster<'_>) -> Self {
        if let Some(giver) = blocked_giver(cluster) {
            return Self { replacing: Some(giver), may_reshape: false };
        }
        let mut outdated = cluster.shards.iter().filter(|shard| cluster.stays(shard) && has_outdated(cluster, shard));
        let first = outdated.next().map(|shard| shard.index);
        let shrinks = cluster.nodes().filter(|node| node.is_member()).any(|node| {
            let is_larger = node.allocation.kind.node_type.size() > cluster.desired.spec.node_type.size();
            node.is_outdated(cluster) && (is_larger || is_newer(cluster, node))
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
            Some(present) if !cluster.stays(present) => false,
            Some(_) => true,
            None => self.may_reshape,
        }
    }
}

fn is_newer(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    node.allocation.kind.engine_version > cluster.desired.spec.engine_version
}

/// A shard of a newer version than the spec's that has to give slots to one of an older version.
fn blocked_giver(cluster: &Cluster<'_>) -> Option<ShardIndex> {
    if !cluster.nodes().any(|node| node.is_member() && is_newer(cluster, node)) {
        return None;
    }
    let lead = |shard: ShardIndex| cluster.shard(shard).and_then(Shard::lead);
    let version = |shard: ShardIndex| lead(shard).map(|lead| lead.allocation.kind.engine_version);
    let is_blocked = |one: &Move| {
        lead(one.from).is_some_and(|from| is_newer(cluster, from))
            && version(one.to).is_some_and(|to| version(one.from) > Some(to))
    };
    decide_moves(&cluster.holdings()?).iter().find(|one| is_blocked(one)).map(|one| one.from)
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
        && cluster.holdings().is_some_and(|holdings| decide_moves(&holdings).is_empty())
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
