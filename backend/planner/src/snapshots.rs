//! Snapshots: each shard's primary writes one when the schedule says so, and when another node's would be missed otherwise.
//!
//! Called after everything that starts, stops or moves something. Its invariant: a snapshot is begun only on a calm shard, as
//! it holds the one fork that full copies and movements of slots need too.

use valkyard_model::{FaultKind, Persistence, SnapshotSchedule, Step, StepKind, Timestamp, WaitingOn};

use crate::backup;
use crate::cluster::{Cluster, Node, Shard};
use crate::moves;
use crate::proposal::Proposal;
use crate::retry;

pub(crate) fn plan_snapshots(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let Persistence::Rdb(schedule) = cluster.desired.spec.persistence else { return };
    // The engine has one fork, which a backup needs; and first data is on disk until it was counted.
    if backup::is_running(proposal) || cluster.desired.importing().is_some() {
        return;
    }
    for shard in &cluster.shards {
        let Some(lead) = shard.primary().filter(|lead| is_due(cluster, shard, lead, &schedule, proposal.now)) else { continue };
        let Some(engine) = lead.engine().filter(|engine| !engine.loading && !engine.persistence.is_saving) else { continue };
        if let Some(left) = retry::after_saves(&lead.seen.history, proposal.now) {
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
