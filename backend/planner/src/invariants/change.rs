//! Invariants of changes: handovers, movements of slots, nodes that leave.

use valkyard_model::{LinkState, MoveWay, NodeId, NodeSerial, Plan, RoleSeen, SlotSet, Standing, Step, StepKind};

use super::Violation;
use crate::cluster::{Cluster, Life, Node, Shard};
use crate::moves;

/// What this step of the plan breaks.
pub(super) fn check_change(cluster: &Cluster<'_>, plan: &Plan, step: &Step) -> Vec<Violation> {
    let kind = step.kind();
    match step {
        Step::FailOver { node } => {
            let is_ready = find(cluster, *node).is_some_and(|(shard, node)| is_ready_heir(shard, node));
            violation(!is_ready, Violation::HandsOverUnready { node: *node })
        }
        Step::MoveSlots { node, target, slots, way } => check_movement(cluster, plan, *node, &target.id, (slots, way)),
        Step::ClaimSlots { node, slots } => {
            let is_claimed = cluster.nodes().filter_map(Node::engine).any(|engine| engine.slots.overlaps(slots));
            violation(is_claimed, Violation::ClaimsOwnedSlots { node: *node })
        }
        Step::Forget { peers, .. } => peers.iter().filter_map(|id| check_drop(cluster, id, kind)).collect(),
        Step::StopProcess { node, .. } | Step::ShutDownEngine { node } => {
            let leaver = find(cluster, *node).filter(|(_, node)| !node.is_member() && node.claims_slots());
            violation(leaver.is_some_and(|_| is_present(cluster)), Violation::DropsNeeded { node: *node, step: kind })
        }
        Step::RetireNodes { nodes } => check_retirement(cluster, nodes),
        Step::ReleaseNodes { nodes } => nodes.iter().filter_map(|node| check_release(cluster, *node)).collect(),
        Step::StartProcess { node, .. } => {
            let is_lost = find(cluster, *node).is_some_and(|(_, n)| cluster.desired.zones_out.contains(&n.allocation.zone));
            violation(is_lost, Violation::StartsInLostZone { node: *node })
        }
        Step::AbandonUpdate { .. } => {
            let desired = cluster.desired;
            let has_way = desired.settled.as_ref().is_some_and(|settled| !settled.spec.asks_same_nodes(&desired.spec));
            violation(!has_way, Violation::AbandonsNothing)
        }
        Step::AllocateNodes { .. }
        | Step::PrepareNode { .. }
        | Step::RemoveFiles { .. }
        | Step::TakeOver { .. }
        | Step::Replicate { .. }
        | Step::Meet { .. }
        | Step::CopyFunctions { .. }
        | Step::Configure { .. }
        | Step::SaveSnapshot { .. }
        | Step::BeginBackup { .. }
        | Step::StopBackup
        | Step::RecordBackup { .. }
        | Step::AbandonBackup { .. }
        | Step::BeginImport { .. }
        | Step::StopImport
        | Step::ConfirmImport { .. }
        | Step::ForgetImport { .. }
        | Step::EnsureLink { .. }
        | Step::EndLink { .. }
        | Step::SetReseeding { .. }
        | Step::ClearPoint { .. }
        | Step::RecordDetached { .. }
        | Step::SwitchOver(_)
        | Step::RecordDataLoss { .. }
        | Step::OpenDiscovery { .. }
        | Step::CloseDiscovery
        | Step::RecordConverged { .. }
        | Step::AbandonCreate { .. }
        | Step::RemoveInstance => Vec::new(),
    }
}

fn violation(is_broken: bool, violation: Violation) -> Vec<Violation> {
    is_broken.then_some(violation).into_iter().collect()
}

fn is_present(cluster: &Cluster<'_>) -> bool {
    cluster.desired.lifecycle == valkyard_model::Lifecycle::Present
}

fn find<'c, 'a>(cluster: &'c Cluster<'a>, serial: NodeSerial) -> Option<(&'c Shard<'a>, &'c Node<'a>)> {
    cluster.shards.iter().find_map(|shard| Some((shard, shard.nodes.iter().find(|node| node.serial() == serial)?)))
}

fn is_ready_heir(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    let Some(engine) = node.engine() else { return false };
    match &engine.role {
        RoleSeen::Replica { of, link: LinkState::Up } => {
            let primary = shard.siblings(node).find(|sibling| sibling.id() == of);
            primary.is_some_and(|primary| primary.life() == Life::Alive && primary.claims_slots())
        }
        RoleSeen::Replica { link: LinkState::Syncing | LinkState::Down, .. } | RoleSeen::Primary => false,
    }
}

fn check_movement(
    cluster: &Cluster<'_>,
    plan: &Plan,
    from: NodeSerial,
    to: &NodeId,
    what: (&SlotSet, &MoveWay),
) -> Vec<Violation> {
    let (slots, way) = what;
    let source = find(cluster, from);
    let target = cluster.shard_of(to);
    let owns = source.and_then(|(_, node)| node.engine()).is_some_and(|engine| engine.slots.shared_with(slots) == *slots);
    let leads = target.and_then(Shard::lead).is_some_and(|lead| lead.id() == to);
    let mut violations = violation(!owns || !leads || slots.is_empty(), Violation::MovesWrongSlots { node: from });
    let is_atomic = |step: &&Step| matches!(step, Step::MoveSlots { way: MoveWay::Atomic, .. });
    let is_only = plan.steps.iter().filter(is_atomic).count() <= 1 && !cluster.shards.iter().any(moves::is_migrating);
    violations.extend((way == &MoveWay::Atomic && !is_only).then_some(Violation::MovesTwiceAtOnce));
    let source = source.map(|(shard, _)| (shard, moves::is_migrating(shard)));
    let target = target.map(|shard| (shard, moves::is_giving(cluster, shard)));
    for (shard, is_occupied) in source.into_iter().chain(target) {
        let concerns = |serial: NodeSerial| shard.nodes.iter().any(|node| node.serial() == serial);
        let disrupts =
            |step: &Step| matches!(step.kind(), StepKind::FailOver | StepKind::TakeOver) && step.node().is_some_and(concerns);
        if is_occupied || plan.steps.iter().any(disrupts) {
            violations.push(Violation::MovesAmidDisruption { shard: shard.index });
        }
    }
    violations
}

/// Whoever is forgotten is on its way out and owns nothing, or is no node of the instance any more.
fn check_drop(cluster: &Cluster<'_>, id: &NodeId, step: StepKind) -> Option<Violation> {
    let node = cluster.nodes().find(|node| node.id() == id)?;
    (node.is_member() || node.claims_slots()).then(|| Violation::DropsNeeded { node: node.serial(), step })
}

fn check_retirement(cluster: &Cluster<'_>, nodes: &[NodeSerial]) -> Vec<Violation> {
    let step = StepKind::RetireNodes;
    let owners = nodes.iter().filter(|serial| find(cluster, **serial).is_none_or(|(_, node)| node.claims_slots()));
    let mut violations: Vec<Violation> = owners.map(|node| Violation::DropsNeeded { node: *node, step }).collect();
    for shard in cluster.shards.iter().filter(|shard| cluster.stays(shard)) {
        let mut left = shard.nodes.iter().filter(|node| node.is_member() && !nodes.contains(&node.serial()));
        let is_touched = shard.nodes.iter().any(|node| nodes.contains(&node.serial()));
        if is_touched && left.next().is_none() {
            violations.push(Violation::LeavesNobody { shard: shard.index });
        }
    }
    violations
}

fn check_release(cluster: &Cluster<'_>, serial: NodeSerial) -> Option<Violation> {
    let is_gone = find(cluster, serial)
        .is_some_and(|(_, node)| node.allocation.standing == Standing::Retiring && node.is_dead() && node.seen.files.is_absent());
    (!is_gone).then_some(Violation::ReleasedTooEarly { node: serial })
}
