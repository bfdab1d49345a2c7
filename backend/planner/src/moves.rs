//! Slots on their way between shards: what was begun is finished, then the next part of the way is begun.
//!
//! Called after everything that may disturb a shard. Its invariant: a shard gives to one other at a time and takes only while
//! it gives nothing; neither while its primary changes or a copy is being made; and keys never move into a node that has no
//! room for them.

use valkyard_model::{
    BinaryVersion, ByteSize, EngineConfigKey, EngineSeen, FaultKind, MigrationDirection, MigrationSeen, MigrationState,
    MoveTarget, MoveWay, OpenSlot, Slot, SlotSet, Step, StepKind, WaitingOn,
};

use crate::change::Change;
use crate::cluster::{Cluster, Node, Shard};
use crate::handover::are_linked;
use crate::proposal::Proposal;
use crate::rebalance::{Move, decide_moves};
use crate::retry::elapsed;
use crate::room;

/// The first version whose atomic slot migration works under writes with several I/O threads.
const SINCE_ATOMIC: BinaryVersion = BinaryVersion { major: 9, minor: 1, patch: 2 };
/// Bytes of keys that one atomic migration may carry. Its end stops writes on the source for as long as the target needs for
/// what is still under way: on two cores with 1 GiB under load, whole shards at once made a request wait for up to 1.2 s,
/// 16 MiB at a time for 0.13 s, at three times the duration. Twice that is the compromise.
const BATCH_BYTES: u64 = 32 << 20;
/// Rest after a failed migration. Its cause, a failover or a fork, passes within about a second.
const AFTER_FAILURE: std::time::Duration = std::time::Duration::from_secs(1);

pub(crate) fn plan_moves(cluster: &Cluster<'_>, change: Change, proposal: &mut Proposal<'_>) {
    note_migrations(cluster, proposal);
    for (from, to, slots) in open_moves(cluster) {
        proposal.wait(WaitingOn::SlotsToMove { from: from.index, to: to.index, count: slots.count() });
        begin(cluster, from, to, slots, Haste::Finish, proposal);
    }
    if !change.may_reshape {
        return;
    }
    let Some(holdings) = cluster.holdings() else { return };
    for Move { from, to, slots } in decide_moves(&holdings) {
        let (Some(from), Some(to)) = (cluster.shard(from), cluster.shard(to)) else { continue };
        proposal.wait(WaitingOn::SlotsToMove { from: from.index, to: to.index, count: slots.count() });
        begin(cluster, from, to, slots, Haste::Begin, proposal);
    }
}

/// Whether slots of this shard are on their way, to it or from it.
pub(crate) fn is_moving(cluster: &Cluster<'_>, shard: &Shard<'_>) -> bool {
    is_migrating(shard) || open_moves(cluster).iter().any(|(from, to, _)| [from.index, to.index].contains(&shard.index))
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
enum Haste {
    Begin,
    Finish,
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
    let mut found: Vec<(&Shard<'_>, &Shard<'_>, Vec<Slot>)> = Vec::new();
    let mut add = |from: &'c Shard<'a>, to: &'c Shard<'a>, slot: Slot| {
        let owner = from.primary().and_then(Node::engine);
        if from.index == to.index || !owner.is_some_and(|engine| engine.slots.contains(slot)) {
            return;
        }
        if found.iter().any(|(known, _, slots)| known.index == from.index && slots.contains(&slot)) {
            return;
        }
        match found.iter_mut().find(|(a, b, _)| a.index == from.index && b.index == to.index) {
            Some((_, _, slots)) => slots.push(slot),
            None => found.push((from, to, vec![slot])),
        }
    };
    let primaries = || cluster.shards.iter().filter_map(|shard| Some((shard, shard.lead()?.engine()?)));
    for (shard, engine) in primaries() {
        for (slot, mark) in &engine.open_slots {
            match mark {
                OpenSlot::MigratingTo(id) => cluster.shard_of(id).into_iter().for_each(|to| add(shard, to, *slot)),
                OpenSlot::ImportingFrom(_) => {}
            }
        }
    }
    for (shard, engine) in primaries() {
        for (slot, mark) in &engine.open_slots {
            match mark {
                OpenSlot::MigratingTo(_) => {}
                OpenSlot::ImportingFrom(id) => cluster.shard_of(id).into_iter().for_each(|from| add(from, shard, *slot)),
            }
        }
    }
    found.into_iter().map(|(from, to, slots)| (from, to, slots.into_iter().collect())).collect()
}

fn begin(cluster: &Cluster<'_>, from: &Shard<'_>, to: &Shard<'_>, slots: SlotSet, haste: Haste, proposal: &mut Proposal<'_>) {
    let (Some(source), Some(target)) = (from.primary(), to.lead()) else { return };
    let (Some(giver), Some(taker)) = (source.engine(), target.engine()) else { return };
    let is_new_and = |is_occupied: bool| haste == Haste::Begin && is_occupied;
    let gives_now = |shard: &Shard<'_>| proposal.steps().iter().any(|step| moves_from(shard, step));
    if is_new_and(is_moving(cluster, from)) || is_new_and(is_giving(cluster, to) || gives_now(to)) {
        return;
    }
    let is_free = |shard: &Shard<'_>| !proposal.disturbs(shard);
    let is_fit = |node: &Node<'_>, engine: &EngineSeen| engine.cluster_ok && !engine.loading && node.is_member();
    let is_ready = is_free(from) && is_free(to) && is_fit(source, giver) && is_fit(target, taker) && are_linked(source, target);
    if !is_ready || (haste == Haste::Begin && !(from.is_calm() && to.is_calm())) {
        return;
    }
    if proposal.is_busy(source.serial()) || proposal.is_busy(target.serial()) {
        return;
    }
    if taker.libraries < giver.libraries {
        proposal.propose(Step::CopyFunctions { node: target.serial(), source: source.client_address(cluster.desired) });
        return;
    }
    let way = match haste {
        Haste::Finish => Some(by_keys(cluster, source, target)),
        Haste::Begin => way_between(cluster, source, target),
    };
    let Some(way) = way else {
        proposal.wait(WaitingOn::Replacement(to.index));
        return;
    };
    let slots = match way {
        // One at a time in the whole instance: several at once make requests wait far longer than they save.
        MoveWay::Atomic if cluster.shards.iter().any(is_migrating) || begins_migration(proposal) => return,
        MoveWay::Atomic => batch(giver, &slots),
        MoveWay::ByKeys { .. } => slots,
    };
    if haste == Haste::Begin && !room::has_room(target, room::data_of(giver, slots.count())) {
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
    if giver >= SINCE_ATOMIC && taker >= SINCE_ATOMIC {
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
    let per_slot = giver.data.0 / u64::from(giver.slots.count().max(1));
    let count = BATCH_BYTES.checked_div(per_slot).unwrap_or(u64::MAX).max(1);
    slots.highest(u16::try_from(count).unwrap_or(u16::MAX))
}

/// How long the last failed migration to this target still has to be left alone. Engines tell whole seconds.
fn rest_after_failure(giver: &EngineSeen, target: &Node<'_>, proposal: &Proposal<'_>) -> Option<std::time::Duration> {
    let failed = giver.migrations.iter().filter(|migration| {
        migration.state == MigrationState::Failed
            && migration.direction == MigrationDirection::Export
            && migration.peer == *target.id()
    });
    let last = failed.map(|migration| migration.updated).max()?;
    let left = AFTER_FAILURE.saturating_sub(elapsed(last, proposal.now));
    (!left.is_zero()).then_some(left)
}

/// What a node may hold at the moment.
pub(crate) fn live_maxmemory(node: &Node<'_>) -> Option<ByteSize> {
    node.engine()?.settings.number(EngineConfigKey::Maxmemory).map(ByteSize)
}
