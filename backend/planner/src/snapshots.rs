//! Snapshots: each shard's primary writes one when the schedule says so, and when another node's would be missed otherwise.
//!
//! Called after everything that starts, stops or moves something. Its invariant: a snapshot is begun only on a calm shard, as
//! it holds the one fork that full copies and movements of slots need too.

use std::time::Duration;

use valkyard_model::{FaultKind, NodeHistory, Persistence, SnapshotSchedule, Step, StepKind, Timestamp, WaitingOn};

use crate::cluster::{Cluster, Node, Shard};
use crate::moves;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// Wait after the first failure, doubled with each further one (the product's 5 s).
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Longest wait (the product's 300 s).
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Doublings until 5 s exceed 300 s (5 s × 2^6 = 320 s).
const DOUBLINGS_MAX: u32 = 6;

pub(crate) fn plan_snapshots(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let Persistence::Rdb(schedule) = cluster.desired.spec.persistence else { return };
    for shard in &cluster.shards {
        let Some(lead) = shard.primary().filter(|lead| is_due(cluster, shard, lead, &schedule, proposal.now)) else { continue };
        let Some(engine) = lead.engine().filter(|engine| !engine.loading && !engine.persistence.is_saving) else { continue };
        if let Some(left) = pause(&lead.seen.history, proposal.now) {
            proposal.hold(StepKind::SaveSnapshot, Some(lead.serial()), FaultKind::Transient, left);
            continue;
        }
        let is_copying = shard.siblings(lead).any(Node::is_syncing);
        let is_calm = !is_copying && !engine.persistence.is_rewriting && !proposal.disturbs(shard);
        if is_calm && !moves::is_moving(cluster, shard) && !proposal.is_busy(lead.serial()) {
            proposal.propose(Step::SaveSnapshot { node: lead.serial() });
        }
    }
}

fn is_due(cluster: &Cluster<'_>, shard: &Shard<'_>, lead: &Node<'_>, schedule: &SnapshotSchedule, now: Timestamp) -> bool {
    let Some(files) = lead.seen.files.known() else { return false };
    let written = files.data.snapshot;
    let is_older_than = |due: Timestamp| written.is_none_or(|at| at < due);
    // The only snapshot of the shard may be that of a node which is dead, leaves, or copies this one.
    let others_has_the_last = || written.is_none() && shard.siblings(lead).any(|node| snapshot_of(node).is_some());
    schedule.last_due(now).is_some_and(is_older_than) || replaces_log(cluster, lead) || others_has_the_last()
}

fn snapshot_of(node: &Node<'_>) -> Option<Timestamp> {
    node.seen.files.known()?.data.snapshot
}

/// Whether a snapshot has to be there before a shard's nodes may stop to keep their logs.
pub(crate) fn replaces_log(cluster: &Cluster<'_>, lead: &Node<'_>) -> bool {
    let keeps_log = lead.engine().is_some_and(|engine| engine.persistence.fsync.is_some());
    keeps_log && snapshot_of(lead).is_none_or(|at| at < cluster.desired.update_time)
}

/// Why a node that keeps a log and is to keep snapshots has to go on with its log for now.
pub(crate) fn awaited(cluster: &Cluster<'_>, node: &Node<'_>) -> Option<WaitingOn> {
    match cluster.desired.spec.persistence {
        Persistence::Disabled | Persistence::Aof { .. } => return None,
        Persistence::Rdb(_) => {}
    }
    let shard = cluster.shard(node.allocation.shard)?;
    let is_awaited = match shard.primary() {
        Some(lead) => replaces_log(cluster, lead),
        None => !shard.owns_nothing,
    };
    is_awaited.then_some(WaitingOn::SnapshotOf(shard.index))
}

/// How long snapshots that failed have to rest.
fn pause(history: &NodeHistory, now: Timestamp) -> Option<Duration> {
    let wait = (FIRST_WAIT * 2_u32.pow(history.saves.checked_sub(1)?.min(DOUBLINGS_MAX))).min(LONGEST_WAIT);
    let left = wait.saturating_sub(elapsed(history.last_save?, now));
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_snapshots_rest_from_five_seconds_up_to_five_minutes() {
        let now = Timestamp::UNIX_EPOCH;
        let rest = |saves| pause(&NodeHistory { saves, last_save: Some(now), ..NodeHistory::default() }, now);
        let rests: Vec<Option<u64>> = (0..9).map(|saves| rest(saves).map(|left| left.as_secs())).collect();
        assert_eq!(rests, [None, Some(5), Some(10), Some(20), Some(40), Some(80), Some(160), Some(300), Some(300)]);
    }
}
