//! The backup that an instance is to make: from which nodes, when to try again, when to give it up.
//!
//! Called after everything that changes who leads. Its invariants: a backup is begun only while every slot has one owner and
//! none is on its way; it is recorded only from work that was seen to be done; and one whose client went away is given up only
//! once nobody works on it any more, so that nothing appears in the store after its files were removed.

use std::cmp::Reverse;
use std::time::Duration;

use valkyard_model::{
    BackupOrder, BackupRun, BackupSource, Failure, FailureCode, FaultKind, JobState, Step, StepKind, Timestamp, WaitingOn,
};

use crate::advice;
use crate::cluster::{Cluster, Life, Node, Shard};
use crate::moves;
use crate::proposal::Proposal;
use crate::retry::{self, elapsed};

/// How often a backup is begun before it is given up: enough for a node that dies meanwhile and for another one after it.
const ATTEMPTS_MAX: u32 = 5;
/// How long a backup waits for a shard that nobody serves.
const SOURCE_PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn plan_backup(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let run = proposal.observed.backup.as_ref();
    let Some(order) = &cluster.desired.backup else {
        stop_if_running(run, proposal);
        return;
    };
    let mine = run.filter(|run| run.backup == order.uid);
    if order.is_cancelled || mine.is_none() {
        let is_running = stop_if_running(run, proposal);
        match (order.is_cancelled, is_running) {
            (_, true) => {}
            (true, false) => proposal.propose(abandon(order, cancelled())),
            (false, false) => plan_beginning(cluster, order, order.accepted_at, proposal),
        }
        return;
    }
    let Some(run) = mine else { return };
    match &run.state {
        JobState::Running => {
            proposal.wait(WaitingOn::BackupToBeTaken { shards: cluster.desired.spec.shard_count, bytes: run.bytes })
        }
        JobState::Done(content) => proposal.propose(Step::RecordBackup { backup: order.uid, content: content.clone() }),
        JobState::Failed { kind, detail, at } => plan_another_try(cluster, order, run.attempts, (*kind, detail, *at), proposal),
    }
}

/// The end of a backup whose instance is on its way out. Returns whether something is left of it.
pub(crate) fn plan_end(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) -> bool {
    let is_running = stop_if_running(proposal.observed.backup.as_ref(), proposal);
    match &cluster.desired.backup {
        Some(order) if !is_running => {
            let message = "the instance was deleted while the backup was being made".to_owned();
            proposal.propose(abandon(order, Failure { code: FailureCode::Aborted, message }));
            true
        }
        Some(_) => true,
        None => is_running,
    }
}

/// Whether a backup is being made at this moment.
pub(crate) fn is_running(proposal: &Proposal<'_>) -> bool {
    proposal.observed.backup.as_ref().is_some_and(|run| run.state == JobState::Running)
}

fn stop_if_running(run: Option<&BackupRun>, proposal: &mut Proposal<'_>) -> bool {
    let is_running = run.is_some_and(|run| run.state == JobState::Running);
    if is_running {
        proposal.propose(Step::StopBackup);
        proposal.wait(WaitingOn::WorkToStop);
    }
    is_running
}

fn abandon(order: &BackupOrder, failure: Failure) -> Step {
    Step::AbandonBackup { backup: order.uid, failure }
}

fn cancelled() -> Failure {
    let message = "the backup was cancelled on request; what was made of it is removed".to_owned();
    Failure { code: FailureCode::Cancelled, message }
}

fn plan_another_try(
    cluster: &Cluster<'_>,
    order: &BackupOrder,
    attempts: u32,
    (kind, detail, at): (FaultKind, &str, Timestamp),
    proposal: &mut Proposal<'_>,
) {
    let hopeless = match kind {
        FaultKind::DiskFull => Some((FailureCode::ResourceExhausted, advice::MAKE_ROOM)),
        FaultKind::PermissionDenied => {
            Some((FailureCode::FailedPrecondition, "make the backup store writable for the daemon, or correct its credentials"))
        }
        FaultKind::BadData => Some((FailureCode::FailedPrecondition, "remove the cause")),
        FaultKind::AddressInUse | FaultKind::EngineMissing | FaultKind::Transient => {
            (attempts >= ATTEMPTS_MAX).then_some((FailureCode::Internal, "look for the cause in the daemon's log"))
        }
    };
    if let Some((code, advice)) = hopeless {
        let times = if attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
        let message = format!("failed to make the backup{times}: {detail}; {advice}, then back the instance up again");
        proposal.propose(abandon(order, Failure { code, message }));
        return;
    }
    match retry::after_work(attempts, at, proposal.now) {
        Some(left) => proposal.hold(StepKind::BeginBackup, None, kind, left),
        None => plan_beginning(cluster, order, at, proposal),
    }
}

/// Begins it, or waits for a source: since it was accepted, or since it was cut off.
fn plan_beginning(cluster: &Cluster<'_>, order: &BackupOrder, since: Timestamp, proposal: &mut Proposal<'_>) {
    let mut sources = Vec::new();
    let mut lacking = None;
    for shard in cluster.shards.iter().filter(|shard| !shard.owns_nothing) {
        match source_of(cluster, shard) {
            Some(source) => sources.push(source),
            None => lacking = lacking.or(Some(shard.index)),
        }
    }
    let is_whole = sources.len() == usize::from(cluster.desired.spec.shard_count);
    let is_still = !moves::is_any_moving(cluster) && !cluster.shards.iter().any(|shard| proposal.disturbs(shard));
    if lacking.is_none() && is_whole && is_still {
        proposal.propose(Step::BeginBackup { order: order.clone(), sources });
        return;
    }
    let shard = lacking.or_else(|| cluster.shards.first().map(|shard| shard.index));
    if elapsed(since.max(proposal.observed.first_look), proposal.now) > SOURCE_PATIENCE {
        let name = shard.map(|shard| shard.to_string()).unwrap_or_default();
        let message = format!(
            "shard {name} had no serving primary or was changing for {} s, so its data could not be taken; back the instance up \
             again when it serves",
            SOURCE_PATIENCE.as_secs()
        );
        proposal.propose(abandon(order, Failure { code: FailureCode::DeadlineExceeded, message }));
    } else if let Some(shard) = shard {
        proposal.wait(WaitingOn::BackupSourceOf(shard));
    }
}

/// The most caught-up replica in sync, which spares the primary; else the primary.
fn source_of(cluster: &Cluster<'_>, shard: &Shard<'_>) -> Option<BackupSource> {
    let primary = shard.primary()?;
    let engine = primary.engine().filter(|engine| engine.cluster_ok && !engine.loading)?;
    let offset = |node: &Node<'_>| node.engine().map(|engine| engine.replication_offset);
    let copies =
        shard.siblings(primary).filter(|node| node.is_member() && node.life() == Life::Alive && node.copies(primary.id()));
    let chosen = copies.max_by_key(|node| (offset(node), Reverse(node.serial()))).unwrap_or(primary);
    Some(BackupSource {
        shard: shard.index,
        node: chosen.serial(),
        address: chosen.client_address(cluster.desired),
        slots: engine.slots.clone(),
        data_bytes: engine.data.0,
    })
}
