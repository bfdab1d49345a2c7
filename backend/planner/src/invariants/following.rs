//! Invariants of the replication between instances.

use valkyard_model::{Observation, Role, Seen, Step};

use super::Violation;
use crate::cluster::{Cluster, Shard};
use crate::{import, reseed};

/// What this step breaks.
pub(super) fn check_link(cluster: &Cluster<'_>, observed: &Observation, step: &Step) -> Option<Violation> {
    if let Step::EnsureLink { shard: index, target, .. } = step {
        let shard = cluster.shard(*index);
        let leads = |shard: &Shard<'_>| {
            shard.primary().is_some_and(|primary| primary.serial() == *target && !import::is_uncounted(cluster, primary))
                && !reseed::is_under_way(cluster, shard)
        };
        let follows = matches!(cluster.desired.replication.role, Role::Secondary { .. });
        return (!(follows && shard.is_some_and(leads))).then_some(Violation::LinksWrongTarget { shard: *index });
    }
    if let Step::SetReseeding { shards } = step {
        let is_new = shards.keys().any(|shard| !cluster.desired.replication.reseeding.contains_key(shard));
        let is_there = cluster.source.is_some_and(|source| source.is_settled);
        return (is_new && !is_there).then_some(Violation::ReseedsWithoutSource);
    }
    if let Step::RecordDetached = step {
        let is_clear = |shard: &Shard<'_>| {
            shard.primary().is_none_or(|primary| observed.replication.points.get(&primary.serial()) == Some(&Seen::Absent))
        };
        let is_safe = observed.replication.links.is_empty() && cluster.shards.iter().all(is_clear);
        return (!is_safe).then_some(Violation::OpensUnderLink);
    }
    None
}
