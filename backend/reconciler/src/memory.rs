//! What a reconciler remembers between turns of one incarnation: its first look, faults, starts, stops, silence, failovers,
//! who was forgotten, wishes for other primaries, and which nodes are at rest. Lost with the daemon, and nothing depends on
//! it for safety: an empty memory only means that the first retry comes at once and that less is certain.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use chrono::TimeDelta;
use tracing::warn;
use valkyard_model::{
    EngineSeen, Fault, FaultKind, InSync, LinkState, MigrationDirection, MigrationState, MoveWay, NodeAllocation, NodeId,
    NodeObservation, NodeSerial, Observation, RoleSeen, ShardIndex, Step, StepKind, Timestamp, Uid,
};

use crate::world::StepError;

/// How long a wish for another primary is kept: longer than a replica takes to be ready, and short enough that nobody is
/// surprised by what they asked for and forgot.
const HANDOVER_TIME_MAX: TimeDelta = TimeDelta::seconds(60);

/// The nodes that are allocated.
type Members = BTreeMap<NodeSerial, NodeAllocation>;

/// A wish that a shard gets another primary.
#[derive(Debug)]
struct Handover {
    from: NodeSerial,
    asked: Timestamp,
}

#[derive(Debug, Default)]
struct Count {
    count: u32,
    last: Option<Timestamp>,
}

impl Count {
    fn add(&mut self, now: Timestamp) {
        self.count += 1;
        self.last = Some(now);
    }
}

/// What happened to one incarnation of an instance.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    uid: Option<Uid>,
    first_look: Option<Timestamp>,
    faults: BTreeMap<(StepKind, Option<NodeSerial>), Fault>,
    starts: BTreeMap<NodeSerial, Count>,
    stops: BTreeMap<NodeSerial, Count>,
    /// Nodes of which no process can run.
    at_rest: BTreeSet<NodeSerial>,
    /// Since when a process has been seen whose engine did not answer.
    silent_since: BTreeMap<NodeSerial, Timestamp>,
    in_sync_since: BTreeMap<NodeSerial, InSync>,
    failovers: BTreeMap<NodeSerial, Timestamp>,
    /// Nodes that were told to take over, and may be primaries that nobody has heard of.
    takeovers: BTreeSet<NodeSerial>,
    forgotten: BTreeMap<NodeId, Timestamp>,
    handovers: BTreeMap<ShardIndex, Handover>,
    /// The newest end of an atomic migration that was seen, by source and target.
    migrations: BTreeMap<(NodeSerial, NodeId), Timestamp>,
    /// Snapshots that were begun since the last one that succeeded.
    saves: BTreeMap<NodeSerial, Count>,
}

impl Memory {
    /// Forgets everything about another incarnation.
    pub(crate) fn belong_to(&mut self, uid: Uid) {
        if self.uid != Some(uid) {
            *self = Self { uid: Some(uid), ..Self::default() };
        }
    }

    /// Notes that somebody wants another primary for a shard than `from`.
    pub(crate) fn wish_handover(&mut self, shard: ShardIndex, from: NodeSerial, now: Timestamp) {
        self.handovers.insert(shard, Handover { from, asked: now });
    }

    /// Adds to an observation what only memory knows; forgets the starts of nodes that serve, the stops of processes that
    /// ended, wishes that are fulfilled or old, and whatever it knew of nodes that have left.
    pub(crate) fn complete(&mut self, members: &Members, observation: &mut Observation) {
        observation.first_look = *self.first_look.get_or_insert(observation.at);
        self.forget_others(members);
        self.complete_handovers(observation);
        self.stops.retain(|serial, _| observation.nodes.get(serial).is_some_and(|node| !is_gone(node)));
        for (serial, node) in &mut observation.nodes {
            if node.process.known().is_some() && node.engine.known().is_none() {
                node.history.silent_since = Some(*self.silent_since.entry(*serial).or_insert(observation.at));
            } else {
                self.silent_since.remove(serial);
            }
            node.history.in_sync_since = self.complete_sync(*serial, node, observation.at);
            // A handover that took effect is over; the next one need not wait for it.
            if node.engine.known().is_some_and(|engine| engine.role == RoleSeen::Primary) {
                self.failovers.remove(serial);
            }
            let is_replica = |engine: &EngineSeen| engine.role != RoleSeen::Primary;
            if is_gone(node) || node.engine.known().is_some_and(is_replica) {
                self.takeovers.remove(serial);
            }
            node.history.may_have_taken_over = self.takeovers.contains(serial);
            node.history.last_failover = self.failovers.get(serial).copied();
            node.history.forgotten_since = members.get(serial).and_then(|node| self.forgotten.get(&node.id)).copied();
            if is_gone(node) && node.files.known().is_some() {
                self.at_rest.insert(*serial);
            }
            if node.process.known().is_some() || node.engine.known().is_some() {
                self.at_rest.remove(serial);
            }
            node.history.is_at_rest = self.at_rest.contains(serial);
            if node.engine.known().is_some_and(|engine| engine.cluster_ok) {
                self.starts.remove(serial);
            }
            if let Some(starts) = self.starts.get(serial) {
                node.history.starts = starts.count;
                node.history.last_start = starts.last;
            }
            self.complete_saves(*serial, node);
            if let Some(stops) = self.stops.get(serial) {
                node.history.stops = stops.count;
                node.history.last_stop = stops.last;
            }
        }
        self.note_migrations(observation);
        observation.faults = self.faults.values().cloned().collect();
    }

    /// An atomic migration that was accepted may fail later: then its step failed, and it succeeds only when the slots arrive.
    fn note_migrations(&mut self, observation: &Observation) {
        for (serial, node) in &observation.nodes {
            let exports = node.engine.known().into_iter().flat_map(|engine| &engine.migrations);
            for migration in exports.filter(|migration| migration.direction == MigrationDirection::Export) {
                let key = (StepKind::MoveSlots, Some(*serial));
                let pair = (*serial, migration.peer.clone());
                if migration.state == MigrationState::Running || self.migrations.get(&pair) >= Some(&migration.updated) {
                    continue;
                }
                self.migrations.insert(pair, migration.updated);
                if migration.state == MigrationState::Failed {
                    let detail = format!("the engine ended the migration of slots {}: {}", migration.slots, migration.message);
                    warn!(node = %serial, target = %migration.peer, detail, "a migration of slots failed");
                    self.add_fault(key, FaultKind::Transient, detail, migration.updated);
                } else {
                    self.faults.remove(&key);
                }
            }
        }
    }

    fn add_fault(&mut self, key: (StepKind, Option<NodeSerial>), kind: FaultKind, detail: String, last: Timestamp) {
        let attempts = self.faults.get(&key).map_or(0, |fault| fault.attempts) + 1;
        self.faults.insert(key, Fault { step: key.0, node: key.1, kind, detail, attempts, last });
    }

    /// A snapshot that is newer than its beginning is the one that was begun.
    fn complete_saves(&mut self, serial: NodeSerial, node: &mut NodeObservation) {
        let written = node.files.known().and_then(|files| files.data.snapshot);
        let Some(saves) = self.saves.get(&serial) else { return };
        if written >= saves.last {
            self.saves.remove(&serial);
            return;
        }
        (node.history.saves, node.history.last_save) = (saves.count, saves.last);
    }

    /// Since when a replica has been in sync with the primary it follows now.
    fn complete_sync(&mut self, serial: NodeSerial, node: &NodeObservation, at: Timestamp) -> Option<InSync> {
        let in_sync = node.engine.known().and_then(|engine| match &engine.role {
            RoleSeen::Replica { of, link: LinkState::Up } => {
                Some(InSync { primary: of.clone(), at, offset: engine.replication_offset })
            }
            RoleSeen::Replica { link: LinkState::Syncing | LinkState::Down, .. } | RoleSeen::Primary => None,
        });
        let Some(now) = in_sync else {
            self.in_sync_since.remove(&serial);
            return None;
        };
        let before = self.in_sync_since.get(&serial).filter(|before| before.primary == now.primary).cloned();
        let since = before.unwrap_or(now);
        self.in_sync_since.insert(serial, since.clone());
        Some(since)
    }

    fn forget_others(&mut self, members: &Members) {
        let is_member = |serial: &NodeSerial| members.contains_key(serial);
        self.faults.retain(|(_, node), _| node.is_none_or(|node| is_member(&node)));
        self.starts.retain(|serial, _| is_member(serial));
        self.saves.retain(|serial, _| is_member(serial));
        self.at_rest.retain(is_member);
        self.silent_since.retain(|serial, _| is_member(serial));
        self.in_sync_since.retain(|serial, _| is_member(serial));
        self.failovers.retain(|serial, _| is_member(serial));
        self.takeovers.retain(is_member);
        self.forgotten.retain(|id, _| members.values().any(|node| node.id == *id));
        self.migrations.retain(|(serial, _), _| is_member(serial));
    }

    /// A wish is fulfilled when the primary it was about leads no more.
    fn complete_handovers(&mut self, observation: &mut Observation) {
        self.handovers.retain(|_, wish| {
            let may_lead = observation.nodes.get(&wish.from).is_some_and(may_be_primary);
            may_lead && observation.at - wish.asked < HANDOVER_TIME_MAX
        });
        observation.handovers = self.handovers.iter().map(|(shard, wish)| (*shard, wish.from)).collect();
    }

    /// Notes that a step is about to be carried out.
    pub(crate) fn begin(&mut self, step: &Step, now: Timestamp) {
        if let Step::AllocateNodes { nodes } = step {
            self.at_rest.extend(nodes.iter().map(|node| node.serial));
        }
        if let Step::FailOver { node } = step {
            self.failovers.insert(*node, now);
        }
        if let Step::TakeOver { node } = step {
            self.takeovers.insert(*node);
        }
        if let Step::SaveSnapshot { node } = step {
            self.saves.entry(*node).or_default().add(now);
        }
        if let Step::Forget { peers, .. } = step {
            for peer in peers {
                self.forgotten.entry(peer.clone()).or_insert(now);
            }
        }
        if let Step::StartProcess { node, .. } = step {
            self.at_rest.remove(node);
            self.starts.entry(*node).or_default().add(now);
            self.stops.remove(node);
        }
        if let Step::StopProcess { node, .. } | Step::ShutDownEngine { node } = step {
            self.stops.entry(*node).or_default().add(now);
        }
    }

    /// Notes how a step ended.
    pub(crate) fn end(&mut self, step: &Step, result: Result<(), StepError>, now: Timestamp) {
        let key = (step.kind(), step.node());
        match result {
            // Only begun: `note_migrations` sees how it ends.
            Ok(()) if matches!(step, Step::MoveSlots { way: MoveWay::Atomic, .. }) => {}
            Ok(()) => {
                self.faults.remove(&key);
            }
            Err(error) => {
                // A start that failed is a fault and not a process that ended.
                if let Step::StartProcess { node, .. } = step
                    && let Some(starts) = self.starts.get_mut(node)
                {
                    starts.count -= 1;
                }
                self.add_fault(key, error.kind, error_chain(error.source.as_ref()), now);
            }
        }
    }
}

fn is_gone(node: &NodeObservation) -> bool {
    node.process.is_absent() && node.engine.is_absent()
}

fn may_be_primary(node: &NodeObservation) -> bool {
    !is_gone(node) && node.engine.known().is_none_or(|engine| engine.role == RoleSeen::Primary)
}

/// An error and its causes in one line.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
