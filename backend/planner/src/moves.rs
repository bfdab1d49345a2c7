//! Slots on their way between shards: what was begun is finished, then the next part of the way is begun.
//!
//! Called after everything that may disturb a shard. Its invariant: a shard gives to one other at a time and takes only while
//! it gives nothing; neither while its primary changes or a copy is being made; one atomic movement at a time in the whole
//! instance; and keys never move into a node that has no room for them.

use std::time::Duration;

use valkyard_model::{
    BinaryVersion, EngineSeen, FaultKind, MigrationDirection, MigrationSeen, MigrationState, MoveTarget, MoveWay, OpenSlot, Slot,
    SlotSet, Step, StepKind, WaitingOn,
};

use crate::change::Change;
use crate::cluster::{Cluster, Node, Shard};
use crate::handover::are_linked;
use crate::proposal::Proposal;
use crate::rebalance::{Move, decide_moves};
use crate::retry::elapsed;
use crate::room;

/// Memory of keys that one atomic migration may carry: about 8,000 keys and values of 1 kB. Copying them slows both ends down.
const BATCH_BYTES: u64 = 9 << 20;
/// Keys that one atomic migration may carry. When the slots have their new owner, the old one deletes the keys at one go and
/// answers nobody meanwhile: 5 µs a key (measured with 9.1.2), which makes 50 ms. With 1 GiB under load on two cores a request
/// waited at most for 1.2 s with whole shards at once, 147 ms with 32 MiB, 98 ms with 16 MiB, 75 to 99 ms with 8 MiB.
const BATCH_KEYS: u64 = 10_000;
/// Rest after a failed migration. Its cause, a failover or a fork, passes within about a second.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

pub(crate) fn plan_moves(cluster: &Cluster<'_>, change: Change, proposal: &mut Proposal<'_>) {
    note_migrations(cluster, proposal);
    for (from, to, slots) in open_moves(cluster) {
        proposal.wait(WaitingOn::SlotsToMove { from: from.index, to: to.index, count: slots.count() });
        begin(cluster, from, to, slots, Turn::Begun, proposal);
    }
    if !change.may_reshape {
        return;
    }
    let Some(holdings) = cluster.holdings() else { return };
    for Move { from, to, slots } in decide_moves(&holdings) {
        let (Some(from), Some(to)) = (cluster.shard(from), cluster.shard(to)) else { continue };
        proposal.wait(WaitingOn::SlotsToMove { from: from.index, to: to.index, count: slots.count() });
        begin(cluster, from, to, slots, Turn::New, proposal);
    }
}

/// Whether slots of this shard are on their way, to it or from it.
pub(crate) fn is_moving(cluster: &Cluster<'_>, shard: &Shard<'_>) -> bool {
    is_migrating(shard) || open_moves(cluster).iter().any(|(from, to, _)| [from.index, to.index].contains(&shard.index))
}

/// Whether any slots of the instance are on their way.
pub(crate) fn is_any_moving(cluster: &Cluster<'_>) -> bool {
    cluster.shards.iter().any(is_migrating) || !open_moves(cluster).is_empty()
}

/// Whether an atomic migration of this shard's slots runs.
pub(crate) fn is_migrating(shard: &Shard<'_>) -> bool {
    let is_running = |migration: &MigrationSeen| migration.state == MigrationState::Running;
    shard.nodes.iter().filter_map(Node::engine).any(|engine| engine.migrations.iter().any(is_running))
}

/// Whether slots of this shard are on their way to another.
pub(crate) fn is_giving(cluster: &Cluster<'_>, shard: &Shard<'_>) -> bool {
    let gives = |migration: &MigrationSeen| {
        migration.state == MigrationState::Running && migration.direction == MigrationDirection::Export
    };
    shard.nodes.iter().filter_map(Node::engine).any(|engine| engine.migrations.iter().any(gives))
        || open_moves(cluster).iter().any(|(from, _, _)| from.index == shard.index)
}

/// Whether a movement is new or was begun before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    New,
    Begun,
}

fn note_migrations(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    for shard in &cluster.shards {
        let exports = shard.nodes.iter().filter_map(Node::engine).flat_map(|engine| &engine.migrations);
        let running = exports
            .filter(|migration| migration.state == MigrationState::Running && migration.direction == MigrationDirection::Export);
        for migration in running {
            if let Some(to) = cluster.shard_of(&migration.peer) {
                let count = migration.slots.count();
                proposal.wait(WaitingOn::SlotsToMove { from: shard.index, to: to.index, count });
            }
        }
    }
}

/// Slots that were left half-way by a movement by keys, by where they come from and go to. A mark on either side tells; the
/// owner's word counts where they differ. A mark of a slot that has arrived, or belongs to neither, means nothing.
fn open_moves<'c, 'a>(cluster: &'c Cluster<'a>) -> Vec<(&'c Shard<'a>, &'c Shard<'a>, SlotSet)> {
    let primaries = cluster.shards.iter().filter_map(|shard| Some((shard, shard.lead()?.engine()?)));
    let mut marks: Vec<_> =
        primaries.flat_map(|(shard, engine)| engine.open_slots.iter().map(move |mark| (shard, mark))).collect();
    marks.sort_by_key(|(_, (_, mark))| matches!(mark, OpenSlot::ImportingFrom(_)));
    let mut found: Vec<(&Shard<'_>, &Shard<'_>, Vec<Slot>)> = Vec::new();
    for (shard, (slot, mark)) in marks {
        let ends = match mark {
            OpenSlot::MigratingTo(id) => cluster.shard_of(id).map(|to| (shard, to)),
            OpenSlot::ImportingFrom(id) => cluster.shard_of(id).map(|from| (from, shard)),
        };
        let Some((from, to)) = ends.filter(|(from, to)| from.index != to.index && owns(from, *slot)) else { continue };
        if found.iter().any(|(known, _, slots)| known.index == from.index && slots.contains(slot)) {
            continue;
        }
        match found.iter_mut().find(|(a, b, _)| a.index == from.index && b.index == to.index) {
            Some((_, _, slots)) => slots.push(*slot),
            None => found.push((from, to, vec![*slot])),
        }
    }
    found.into_iter().map(|(from, to, slots)| (from, to, slots.into_iter().collect())).collect()
}

fn owns(shard: &Shard<'_>, slot: Slot) -> bool {
    shard.primary().and_then(Node::engine).is_some_and(|engine| engine.slots.contains(slot))
}

fn begin(cluster: &Cluster<'_>, from: &Shard<'_>, to: &Shard<'_>, slots: SlotSet, turn: Turn, proposal: &mut Proposal<'_>) {
    let (Some(source), Some(target)) = (from.primary(), to.lead()) else { return };
    let (Some(giver), Some(taker)) = (source.engine(), target.engine()) else { return };
    let is_new_and = |is_occupied: bool| turn == Turn::New && is_occupied;
    let gives_now = |shard: &Shard<'_>| proposal.steps().iter().any(|step| moves_from(shard, step));
    if is_new_and(is_moving(cluster, from)) || is_new_and(is_giving(cluster, to) || gives_now(to)) {
        return;
    }
    let is_free = |shard: &Shard<'_>| !proposal.disturbs(shard);
    let is_fit = |node: &Node<'_>, engine: &EngineSeen| engine.cluster_ok && !engine.loading && node.is_member();
    let is_ready = is_free(from) && is_free(to) && is_fit(source, giver) && is_fit(target, taker) && are_linked(source, target);
    if !is_ready || (turn == Turn::New && !(from.is_calm() && to.is_calm())) {
        return;
    }
    if proposal.is_busy(source.serial()) || proposal.is_busy(target.serial()) {
        return;
    }
    if taker.libraries < giver.libraries {
        proposal.propose(Step::CopyFunctions { node: target.serial(), source: source.client_address(cluster.desired) });
        return;
    }
    let way = match turn {
        Turn::Begun => Some(by_keys(cluster, source, target)),
        Turn::New => way_between(cluster, source, target),
    };
    let Some(way) = way else {
        proposal.wait(WaitingOn::Replacement(to.index));
        return;
    };
    let slots = match way {
        // Several at once make requests wait far longer than they save.
        MoveWay::Atomic if cluster.shards.iter().any(is_migrating) || begins_migration(proposal) => return,
        MoveWay::Atomic => batch(giver, &slots),
        MoveWay::ByKeys { .. } => slots,
    };
    if turn == Turn::New && !room::has_room(target, room::data_of(giver, slots.count())) {
        proposal.wait(WaitingOn::RoomIn(to.index));
        return;
    }
    if let Some(left) = rest_after_failure(giver, target, proposal) {
        proposal.hold(StepKind::MoveSlots, Some(source.serial()), FaultKind::Transient, left);
        return;
    }
    let target = MoveTarget { id: target.id().clone(), address: target.client_address(cluster.desired) };
    proposal.propose(Step::MoveSlots { node: source.serial(), target, slots, way });
}

fn begins_migration(proposal: &Proposal<'_>) -> bool {
    proposal.steps().iter().any(|step| matches!(step, Step::MoveSlots { way: MoveWay::Atomic, .. }))
}

fn moves_from(shard: &Shard<'_>, step: &Step) -> bool {
    matches!(step, Step::MoveSlots { node, .. } if shard.nodes.iter().any(|member| member.serial() == *node))
}

/// Atomically where both engines can; by keys where the target can read what the source writes.
fn way_between(cluster: &Cluster<'_>, source: &Node<'_>, target: &Node<'_>) -> Option<MoveWay> {
    let (giver, taker) = (source.engine()?.version, target.engine()?.version);
    if giver.moves_slots_atomically() && taker.moves_slots_atomically() {
        return Some(MoveWay::Atomic);
    }
    let line = |version: BinaryVersion| (version.major, version.minor);
    (line(giver) <= line(taker)).then(|| by_keys(cluster, source, target))
}

fn by_keys(cluster: &Cluster<'_>, source: &Node<'_>, target: &Node<'_>) -> MoveWay {
    let others = cluster.shards.iter().filter_map(Shard::lead);
    let others = others.filter(|lead| lead.serial() != source.serial() && lead.serial() != target.serial());
    MoveWay::ByKeys { witnesses: others.map(|lead| lead.client_address(cluster.desired)).collect() }
}

/// As many of the slots as one migration may carry, at least one.
fn batch(giver: &EngineSeen, slots: &SlotSet) -> SlotSet {
    let owned = u64::from(giver.slots.count().max(1));
    let fitting = |limit: u64, held: u64| (limit * owned).checked_div(held).unwrap_or(u64::MAX);
    let count = fitting(BATCH_BYTES, giver.data.0).min(fitting(BATCH_KEYS, giver.keys)).max(1);
    slots.highest(u16::try_from(count).unwrap_or(u16::MAX))
}

/// How long the last failed migration to this target still has to be left alone. Engines tell whole seconds.
fn rest_after_failure(giver: &EngineSeen, target: &Node<'_>, proposal: &Proposal<'_>) -> Option<Duration> {
    let failed = giver.migrations.iter().filter(|migration| {
        migration.state == MigrationState::Failed
            && migration.direction == MigrationDirection::Export
            && migration.peer == *target.id()
    });
    let last = failed.map(|migration| migration.updated).max()?;
    let left = AFTER_FAILURE.saturating_sub(elapsed(last, proposal.now));
    (!left.is_zero()).then_some(left)
}
