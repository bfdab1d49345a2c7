//! Invariants of backups and of first data.

use std::collections::BTreeSet;

use valkyard_model::{ImportTarget, JobState, NodeSerial, Observation, SLOT_COUNT, SlotSet, Step};

use super::Violation;
use crate::cluster::{Cluster, Life, Node};
use crate::{import, reseed};

/// What this step breaks.
pub(super) fn check_data(cluster: &Cluster<'_>, observed: &Observation, step: &Step) -> Option<Violation> {
    let node = |serial: NodeSerial| cluster.nodes().find(|node| node.serial() == serial);
    if let Step::BeginBackup { order, sources } = step {
        let is_wanted = cluster.desired.backup.as_ref().is_some_and(|wanted| wanted.uid == order.uid && !wanted.is_cancelled);
        let shards: BTreeSet<_> = sources.iter().map(|source| source.shard).collect();
        let serves = |node: &Node<'_>| node.life() == Life::Alive && node.engine().is_some_and(|engine| !engine.loading);
        let is_fit = sources.iter().all(|source| node(source.node).is_some_and(serves)) && shards.len() == sources.len();
        let slots = sources.iter().fold(SlotSet::default(), |all, source| all.union(&source.slots));
        let is_whole = slots.count() == SLOT_COUNT;
        return (!(is_wanted && is_fit && is_whole)).then_some(Violation::BacksUpPart);
    }
    if let Step::RecordBackup { backup, content } = step {
        let run = observed.backup.as_ref().filter(|run| run.backup == *backup);
        let is_done = run.is_some_and(|run| run.state == JobState::Done(content.clone()));
        return (!is_done).then_some(Violation::RecordsUnseenBackup);
    }
    if let Step::AbandonBackup { .. } = step {
        let is_running = observed.backup.as_ref().is_some_and(|run| run.state == JobState::Running);
        return is_running.then_some(Violation::AbandonsRunningWork);
    }
    if let Step::BeginImport { targets, .. } = step {
        let slots = targets.iter().fold(SlotSet::default(), |all, target| all.union(&target.slots));
        let is_whole = slots.count() == SLOT_COUNT;
        let is_idle = targets.iter().all(|target| node(target.node).is_some_and(Node::is_dead));
        let is_reseeded = |target: &ImportTarget| {
            node(target.node)
                .and_then(|node| cluster.shard(node.allocation.shard))
                .is_some_and(|s| reseed::is_under_way(cluster, s))
        };
        let is_wanted = (cluster.desired.importing().is_some() && is_whole) || targets.iter().all(is_reseeded);
        let is_fit = is_wanted && is_idle;
        return (!is_fit).then_some(Violation::ImportsUnderProcess);
    }
    if let Step::ConfirmImport { node: serial } = step {
        let node = node(*serial);
        let is_loaded = match node.and_then(|node| cluster.shard(node.allocation.shard)) {
            // A shard that gets its data anew comes back by itself: the others serve.
            Some(shard) if reseed::is_under_way(cluster, shard) => node
                .is_some_and(|node| node.engine().is_some_and(|engine| !engine.loading && import::has_loaded_all(node, engine))),
            Some(_) | None => import::is_loaded(cluster),
        };
        return (!is_loaded).then_some(Violation::AdmitsToPart);
    }
    if let Step::RecordConverged { .. } = step {
        return (!import::is_counted(cluster)).then_some(Violation::ConvergedUncounted);
    }
    if let Step::RemoveInstance = step {
        let is_left = cluster.desired.backup.is_some()
            || observed.backup.as_ref().is_some_and(|run| run.state == JobState::Running)
            || observed.import.as_ref().is_some_and(|run| run.state == JobState::Running);
        return is_left.then_some(Violation::AbandonsRunningWork);
    }
    None
}
