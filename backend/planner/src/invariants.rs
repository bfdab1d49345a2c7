//! Invariants as functions: what no plan may do, whatever the planning modules think.
//!
//! Called by the reconciler before it executes, and by every test. A plan that breaks one is not carried out. What the
//! engines believe for a moment (two primaries of a shard while a claim travels) is not judged here: only steps are, so that
//! a passing view can never stop the repair of it.

mod change;
mod data;
mod following;

use std::collections::{BTreeMap, BTreeSet};

use valkyard_model::{
    Convergence, DesiredInstance, Lifecycle, NodeAllocation, NodeId, NodeSerial, Observation, Plan, Port, RoleSeen, ShardIndex,
    Standing, Step, StepKind, Zone, ZoneDistribution,
};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::failover::has_synced;
use crate::import::brings_data;
use crate::layout::crowded_zone;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A step for a node that was never set aside.
    NotAllocated {
        /// The node.
        node: NodeSerial,
        /// The step.
        step: StepKind,
    },
    /// More than one step for a node in one plan: their order would be left to chance.
    TwoStepsForNode {
        /// The node.
        node: NodeSerial,
    },
    /// Two steps that each take a node of the same shard out of service or change its primary.
    TwoDisruptions {
        /// The shard.
        shard: ShardIndex,
    },
    /// A step that needs the node to be certainly dead.
    NotCertainlyDead {
        /// The node.
        node: NodeSerial,
        /// The step.
        step: StepKind,
    },
    /// A process is to be stopped that was not seen.
    ProcessNotSeen {
        /// The node.
        node: NodeSerial,
    },
    /// An engine is to be shut down whose process can be signalled.
    ProcessSeen {
        /// The node.
        node: NodeSerial,
    },
    /// A command for an engine that did not answer with the node's identity.
    EngineNotOurs {
        /// The node.
        node: NodeSerial,
        /// The step.
        step: StepKind,
    },
    /// A promotion while the shard's primary is not certainly dead.
    PromotedOnIgnorance {
        /// The node to be promoted.
        node: NodeSerial,
        /// The primary it would replace.
        primary: NodeId,
    },
    /// A promotion of a node that copies nobody.
    PromotedPrimary {
        /// The node.
        node: NodeSerial,
    },
    /// A dead primary is to wake up empty while replicas of it may live and nobody took over.
    WakesOverReplicas {
        /// The dead primary.
        node: NodeSerial,
    },
    /// A dead node is to begin without the data in its folder although nobody serves its shard.
    DropsLastCopy {
        /// The node.
        node: NodeSerial,
    },
    /// Two nodes of a shard in one zone while another zone is free.
    ZoneCrowded {
        /// The shard.
        shard: ShardIndex,
        /// The zone.
        zone: Zone,
    },
    /// A serial is given out twice.
    SerialTwice {
        /// The serial.
        serial: NodeSerial,
    },
    /// A bus identity is given out twice.
    IdTwice {
        /// The id.
        id: NodeId,
    },
    /// A port is given out twice.
    PortTwice {
        /// The port.
        port: Port,
    },
    /// Something of an instance that should exist is to be removed.
    RemovesPresent {
        /// The step.
        step: StepKind,
    },
    /// An instance that should go is to be built further.
    BuildsUnwanted {
        /// The step.
        step: StepKind,
    },
    /// The record is to be removed while something is left.
    RemovedTooEarly {
        /// The node of which something is left; none if it is the discovery endpoint.
        node: Option<NodeSerial>,
    },
    /// Completeness is to be recorded without having been seen.
    ConvergedUnseen {
        /// The node that was not seen serving.
        node: NodeSerial,
    },
    /// A creation is to be given up that had succeeded.
    AbandonsConverged,
    /// A change is to be undone where there is nothing to go back to.
    AbandonsNothing,
    /// A node of a zone that was taken away is to be started.
    StartsInLostZone {
        /// The node.
        node: NodeSerial,
    },
    /// A handover to a node that is not in sync with its living primary.
    HandsOverUnready {
        /// The node.
        node: NodeSerial,
    },
    /// Slots are to move that the node does not own, or to a node that does not lead a shard.
    MovesWrongSlots {
        /// The node that should give them.
        node: NodeSerial,
    },
    /// A second atomic movement of slots begins beside another.
    MovesTwiceAtOnce,
    /// Slots are to move while the primary of one of the two shards changes or another movement is under way.
    MovesAmidDisruption {
        /// The shard.
        shard: ShardIndex,
    },
    /// Slots are to be given to a node while somebody living claims them.
    ClaimsOwnedSlots {
        /// The node.
        node: NodeSerial,
    },
    /// A node is to leave, be forgotten or be ended that owns slots or is to stay.
    DropsNeeded {
        /// The node.
        node: NodeSerial,
        /// The step.
        step: StepKind,
    },
    /// A shard that stays would be left without a node that stays.
    LeavesNobody {
        /// The shard.
        shard: ShardIndex,
    },
    /// A backup is to be begun that nobody wants, from nodes that do not serve, or without some of the slots.
    BacksUpPart,
    /// A backup is to be recorded as complete that was not seen so.
    RecordsUnseenBackup,
    /// A backup or a whole instance is to be given up while work on its data goes on.
    AbandonsRunningWork,
    /// First data is to be put into the folder of a node that may run, or not all of it, or where none is wanted.
    ImportsUnderProcess,
    /// Clients are to be let into a node before all nodes have loaded their first data, or into one that gets its data anew before
    /// it has loaded all of it.
    AdmitsToPart,
    /// Completeness is to be recorded before all first data was counted.
    ConvergedUncounted,
    /// A link is to write to a node that does not lead its shard, or has data of which nobody knows what it is.
    LinksWrongTarget {
        /// The shard.
        shard: ShardIndex,
    },
    /// Data is to be thrown away while it cannot be had anew.
    ReseedsWithoutSource,
    /// Clients are to write while a link may.
    OpensUnderLink,
    /// Members of a replication are to change places at a time that is not theirs.
    TurnsOverTooEarly,
    /// A node is to carry a point that may not mean the data it has.
    TakesForeignPoint {
        /// The node.
        node: NodeSerial,
    },
    /// An allocation is to be removed while something of the node is left.
    ReleasedTooEarly {
        /// The node.
        node: NodeSerial,
    },
}

/// Every invariant that this plan breaks.
#[must_use]
pub fn check(desired: &DesiredInstance, observed: &Observation, plan: &Plan) -> Vec<Violation> {
    let cluster = Cluster::of(desired, observed);
    let mut violations = check_counts(&cluster, plan);
    for step in &plan.steps {
        violations.extend(check_lifecycle(desired, step));
        match step {
            Step::AllocateNodes { nodes } => violations.extend(check_allocation(desired, nodes)),
            Step::RecordConverged { .. } => violations.extend(check_converged(&cluster)),
            Step::RemoveInstance => violations.extend(check_removal(&cluster, observed)),
            Step::PrepareNode { node, .. }
            | Step::StartProcess { node, .. }
            | Step::StopProcess { node, .. }
            | Step::ShutDownEngine { node }
            | Step::RemoveFiles { node }
            | Step::TakeOver { node }
            | Step::Replicate { node, .. }
            | Step::Meet { node, .. }
            | Step::FailOver { node }
            | Step::MoveSlots { node, .. }
            | Step::ClaimSlots { node, .. }
            | Step::CopyFunctions { node, .. }
            | Step::Configure { node, .. }
            | Step::SaveSnapshot { node }
            | Step::ConfirmImport { node }
            | Step::ForgetImport { node, .. }
            | Step::ClearPoint { node }
            | Step::Forget { node, .. } => violations.extend(check_node_step(&cluster, *node, step)),
            Step::OpenDiscovery { .. }
            | Step::CloseDiscovery
            | Step::AbandonCreate { .. }
            | Step::RetireNodes { .. }
            | Step::ReleaseNodes { .. }
            | Step::RecordDataLoss { .. }
            | Step::BeginBackup { .. }
            | Step::StopBackup
            | Step::RecordBackup { .. }
            | Step::AbandonBackup { .. }
            | Step::BeginImport { .. }
            | Step::StopImport
            | Step::EnsureLink { .. }
            | Step::EndLink { .. }
            | Step::SetReseeding { .. }
            | Step::RecordDetached { .. }
            | Step::SwitchOver(_)
            | Step::AbandonUpdate { .. } => {}
        }
        violations.extend(change::check_change(&cluster, plan, step));
        violations.extend(data::check_data(&cluster, observed, step));
        violations.extend(following::check_link(&cluster, observed, step));
    }
    violations
}

/// Rules about how many steps concern the same thing.
fn check_counts(cluster: &Cluster<'_>, plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut nodes = BTreeSet::new();
    let mut disrupted = BTreeSet::new();
    for step in &plan.steps {
        let Some(serial) = step.node() else { continue };
        if !nodes.insert(serial) {
            violations.push(Violation::TwoStepsForNode { node: serial });
        }
        // A node that leaves may end at any time: nothing depends on it.
        let stays = cluster.nodes().any(|node| node.serial() == serial && node.is_member());
        let ends = matches!(step, Step::StopProcess { .. } | Step::ShutDownEngine { .. });
        let is_disruptive = (ends && stays) || matches!(step, Step::TakeOver { .. } | Step::FailOver { .. });
        if !is_disruptive || cluster.desired.lifecycle != Lifecycle::Present {
            continue;
        }
        if let Some(allocation) = cluster.desired.nodes.get(&serial)
            && !disrupted.insert(allocation.shard)
        {
            violations.push(Violation::TwoDisruptions { shard: allocation.shard });
        }
    }
    violations
}

fn check_lifecycle(desired: &DesiredInstance, step: &Step) -> Option<Violation> {
    let kind = step.kind();
    let is_present = desired.lifecycle == Lifecycle::Present;
    match kind {
        StepKind::RemoveFiles => {
            let stays = step.node().and_then(|node| desired.nodes.get(&node)).map(|node| node.standing);
            (is_present && stays == Some(Standing::Member)).then_some(Violation::RemovesPresent { step: kind })
        }
        StepKind::CloseDiscovery | StepKind::RemoveInstance => is_present.then_some(Violation::RemovesPresent { step: kind }),
        StepKind::AbandonCreate if desired.convergence != Convergence::Never => Some(Violation::AbandonsConverged),
        StepKind::AllocateNodes
        | StepKind::PrepareNode
        | StepKind::StartProcess
        | StepKind::TakeOver
        | StepKind::Replicate
        | StepKind::Meet
        | StepKind::FailOver
        | StepKind::MoveSlots
        | StepKind::ClaimSlots
        | StepKind::CopyFunctions
        | StepKind::Configure
        | StepKind::SaveSnapshot
        | StepKind::BeginBackup
        | StepKind::RecordBackup
        | StepKind::BeginImport
        | StepKind::ConfirmImport
        | StepKind::ForgetImport
        | StepKind::EnsureLink
        | StepKind::SetReseeding
        | StepKind::ClearPoint
        | StepKind::RecordDetached
        | StepKind::SwitchOver
        | StepKind::Forget
        | StepKind::RetireNodes
        | StepKind::ReleaseNodes
        | StepKind::RecordDataLoss
        | StepKind::AbandonUpdate
        | StepKind::OpenDiscovery
        | StepKind::RecordConverged
        | StepKind::AbandonCreate => (!is_present).then_some(Violation::BuildsUnwanted { step: kind }),
        StepKind::StopProcess
        | StepKind::ShutDownEngine
        | StepKind::StopBackup
        | StepKind::AbandonBackup
        | StepKind::EndLink
        | StepKind::StopImport => None,
    }
}

fn check_allocation(desired: &DesiredInstance, new: &[NodeAllocation]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let (mut serials, mut ids, mut ports) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut zones: BTreeMap<ShardIndex, Vec<&Zone>> = BTreeMap::new();
    for node in desired.nodes.values().chain(new) {
        if !serials.insert(node.serial) {
            violations.push(Violation::SerialTwice { serial: node.serial });
        }
        if !ids.insert(&node.id) {
            violations.push(Violation::IdTwice { id: node.id.clone() });
        }
        for port in [node.port, node.bus_port] {
            if !ports.insert(port) || port == desired.address.discovery {
                violations.push(Violation::PortTwice { port });
            }
        }
        if node.standing == Standing::Member && node.kind == desired.kind() {
            zones.entry(node.shard).or_default().push(&node.zone);
        }
    }
    match desired.spec.zones {
        ZoneDistribution::SingleZone { .. } => {}
        ZoneDistribution::MultiZone => {
            let touched: BTreeSet<ShardIndex> = new.iter().map(|node| node.shard).collect();
            for (shard, zones) in zones.into_iter().filter(|(shard, _)| touched.contains(shard)) {
                let is_chosen = |zone: &Zone| new.iter().any(|node| node.shard == shard && node.zone == *zone);
                let crowded = crowded_zone(desired, &zones).filter(is_chosen);
                violations.extend(crowded.map(|zone| Violation::ZoneCrowded { shard, zone }));
            }
        }
    }
    violations
}

fn check_converged(cluster: &Cluster<'_>) -> Option<Violation> {
    if cluster.desired.convergence.has_reached(cluster.desired.shape_generation) {
        return None;
    }
    let serves = |node: &&Node<'_>| node.engine().is_some_and(|engine| engine.cluster_ok && !engine.loading);
    cluster
        .nodes()
        .filter(|node| node.is_member())
        .find(|node| !serves(node))
        .map(|node| Violation::ConvergedUnseen { node: node.serial() })
}

fn check_removal(cluster: &Cluster<'_>, observed: &Observation) -> Option<Violation> {
    if !observed.discovery.is_absent() {
        return Some(Violation::RemovedTooEarly { node: None });
    }
    let is_left = |node: &&Node<'_>| !node.is_dead() || !node.seen.files.is_absent();
    cluster.nodes().find(is_left).map(|node| Violation::RemovedTooEarly { node: Some(node.serial()) })
}

fn check_node_step(cluster: &Cluster<'_>, serial: NodeSerial, step: &Step) -> Vec<Violation> {
    let kind = step.kind();
    let found = cluster.shards.iter().find_map(|shard| {
        let node = shard.nodes.iter().find(|node| node.serial() == serial)?;
        Some((shard, node))
    });
    let Some((shard, node)) = found else { return vec![Violation::NotAllocated { node: serial, step: kind }] };
    let mut violations = Vec::new();
    match kind {
        StepKind::PrepareNode | StepKind::StartProcess | StepKind::RemoveFiles => {
            if !node.is_dead() {
                violations.push(Violation::NotCertainlyDead { node: serial, step: kind });
            }
            if kind == StepKind::StartProcess && !brings_data(cluster, node) && wakes_over_replicas(shard, node) {
                violations.push(Violation::WakesOverReplicas { node: serial });
            }
            let is_dropped = matches!(step, Step::StartProcess { load: None, .. }) && node.data.is_some();
            if is_dropped && shard.lead().is_none() && !shard.owns_nothing {
                violations.push(Violation::DropsLastCopy { node: serial });
            }
        }
        StepKind::StopProcess => {
            violations.extend(node.seen.process.known().is_none().then_some(Violation::ProcessNotSeen { node: serial }));
        }
        StepKind::TakeOver
        | StepKind::Replicate
        | StepKind::Meet
        | StepKind::ShutDownEngine
        | StepKind::FailOver
        | StepKind::MoveSlots
        | StepKind::ClaimSlots
        | StepKind::CopyFunctions
        | StepKind::Configure
        | StepKind::SaveSnapshot
        | StepKind::ConfirmImport
        | StepKind::ForgetImport
        | StepKind::ClearPoint
        | StepKind::Forget => {
            if node.engine().is_none() {
                violations.push(Violation::EngineNotOurs { node: serial, step: kind });
            }
            if kind == StepKind::TakeOver {
                violations.extend(check_promotion(shard, node));
            }
            if kind == StepKind::ShutDownEngine && node.seen.process.known().is_some() {
                violations.push(Violation::ProcessSeen { node: serial });
            }
        }
        StepKind::AllocateNodes
        | StepKind::RetireNodes
        | StepKind::ReleaseNodes
        | StepKind::RecordDataLoss
        | StepKind::BeginBackup
        | StepKind::StopBackup
        | StepKind::RecordBackup
        | StepKind::AbandonBackup
        | StepKind::BeginImport
        | StepKind::StopImport
        | StepKind::EnsureLink
        | StepKind::EndLink
        | StepKind::SetReseeding
        | StepKind::RecordDetached
        | StepKind::SwitchOver
        | StepKind::AbandonUpdate
        | StepKind::OpenDiscovery
        | StepKind::CloseDiscovery
        | StepKind::RecordConverged
        | StepKind::AbandonCreate
        | StepKind::RemoveInstance => {}
    }
    violations
}

/// Whether replicas of this node may live while no other node of its shard is a primary with slots.
fn wakes_over_replicas(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    let is_taken_over = shard.siblings(node).any(Node::claims_slots);
    let may_follow = |sibling: &Node<'_>| match sibling.engine().map(|engine| &engine.role) {
        // What is on disk is worth more than what a copy never got.
        Some(RoleSeen::Replica { of, .. }) => {
            of == node.id() && !sibling.leaves_with_nothing() && (node.data.is_none() || has_synced(sibling))
        }
        Some(RoleSeen::Primary) => false,
        None => !sibling.is_dead(),
    };
    !shard.owns_nothing && !is_taken_over && shard.siblings(node).any(may_follow)
}

fn check_promotion(shard: &Shard<'_>, node: &Node<'_>) -> Vec<Violation> {
    let Some(engine) = node.engine() else { return Vec::new() };
    let RoleSeen::Replica { of, .. } = &engine.role else {
        return vec![Violation::PromotedPrimary { node: node.serial() }];
    };
    let copied = shard.siblings(node).find(|sibling| sibling.id() == of);
    let is_copied_dead = copied.is_some_and(Node::is_dead);
    let living = shard.siblings(node).find(|sibling| sibling.life() == Life::Alive && sibling.claims_slots());
    let replaced = if is_copied_dead { living.map(|primary| primary.id().clone()) } else { Some(of.clone()) };
    replaced.map(|primary| Violation::PromotedOnIgnorance { node: node.serial(), primary }).into_iter().collect()
}
