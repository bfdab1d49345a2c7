//! Invariants of the replication between instances.

use valkyard_model::{Observation, Role, Seen, Step, Switchover, SwitchoverStep};

use super::Violation;
use crate::cluster::{Cluster, Shard};
use crate::{import, reseed, switchover};

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
    if let Step::RecordDetached { .. } = step {
        let is_clear = |shard: &Shard<'_>| {
            shard.primary().is_none_or(|primary| observed.replication.points.get(&primary.serial()) == Some(&Seen::Absent))
        };
        let is_safe = observed.replication.links.is_empty() && cluster.shards.iter().all(is_clear);
        return (!is_safe).then_some(Violation::OpensUnderLink);
    }
    if let Step::SwitchOver(step) = step {
        return check_switchover(cluster, observed, step);
    }
    None
}

fn check_switchover(cluster: &Cluster<'_>, observed: &Observation, step: &SwitchoverStep) -> Option<Violation> {
    let replication = &cluster.desired.replication;
    let links = &observed.replication.links;
    match (step, &replication.switchover) {
        (SwitchoverStep::RecordDrained { .. }, Some(Switchover::Draining { .. })) => {
            let is_closed = cluster.source.is_some_and(|source| source.is_closed);
            (!is_closed).then_some(Violation::TurnsOverTooEarly)
        }
        (SwitchoverStep::TurnOver { possible_loss, .. }, Some(Switchover::Draining { to, drained, .. })) => {
            let uid = cluster.desired.uid;
            let has_everything = drained.iter().any(|drained| drained.uid == uid);
            // Without the primary only if that does not serve as a whole.
            let is_gone = cluster.source.is_none_or(|source| !source.is_settled);
            let is_due = to.uid == uid && if possible_loss.is_some() { is_gone } else { has_everything };
            (!is_due).then_some(Violation::TurnsOverTooEarly)
        }
        (SwitchoverStep::KeepHistory { .. } | SwitchoverStep::RecordPoints { .. }, Some(Switchover::Opening { .. })) => {
            (!links.is_empty()).then_some(Violation::OpensUnderLink)
        }
        (SwitchoverStep::TakePoint { node, .. }, Some(Switchover::TakingOver { ended, .. })) => {
            let found = cluster.nodes().find(|found| found.serial() == *node);
            let shard = found.map(|found| found.allocation.shard);
            let has_everything = || {
                let carried = observed.replication.points.get(node)?;
                Some(switchover::has_everything(found?, carried, ended.get(&shard?)?))
            };
            let is_fit = has_everything() == Some(true) && shard.is_some_and(|shard| !links.contains_key(&shard));
            (!is_fit).then_some(Violation::TakesForeignPoint { node: *node })
        }
        (SwitchoverStep::GiveUp { .. }, Some(Switchover::Draining { .. }))
        | (SwitchoverStep::Finish, Some(Switchover::Clearing | Switchover::TakingOver { .. })) => None,
        (
            SwitchoverStep::RecordDrained { .. }
            | SwitchoverStep::TurnOver { .. }
            | SwitchoverStep::GiveUp { .. }
            | SwitchoverStep::KeepHistory { .. }
            | SwitchoverStep::RecordPoints { .. }
            | SwitchoverStep::TakePoint { .. }
            | SwitchoverStep::Finish,
            _,
        ) => Some(Violation::TurnsOverTooEarly),
    }
}
