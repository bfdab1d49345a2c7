//! A node's way into the cluster: allocated → prepared → started. The same way back after a crash or a lost folder.
//!
//! Called for each shard after `failover`. Its invariant: nothing is prepared, started or stopped on ignorance, and a dead
//! primary sleeps until its slots have another owner. What living nodes tell each other is `repair`'s business.

use std::time::Duration;

use valkyard_model::{Convergence, FaultKind, NodeSerial, Seen, Step, StepKind, WaitingOn};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::durability;
use crate::failover::is_known_to_all;
use crate::handover;
use crate::import;
use crate::loss;
use crate::proposal::Proposal;
use crate::retry;
use crate::seed::{cluster_seed, crowning_seed};
use crate::stopping;

/// An engine without data answers within some tens of milliseconds; one that takes this long may never.
const STARTUP_PATIENCE: Duration = Duration::from_secs(2);

/// How long others wait for a replica to begin copying, which takes it some tens of milliseconds.
const COPY_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn plan_nodes(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    for node in shard.nodes.iter().filter(|node| node.is_member()) {
        match node.life() {
            Life::Uncertain => proposal.wait(WaitingOn::Certainty(node.serial())),
            Life::Dead => plan_wake(cluster, shard, node, proposal),
            Life::Alive => plan_lost_folder(shard, node, proposal),
        }
    }
}

fn plan_wake(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let serial = node.serial();
    if cluster.desired.zones_out.contains(&node.allocation.zone) {
        proposal.wait(WaitingOn::ZoneToReturn(node.allocation.zone.clone()));
        return;
    }
    if loss::is_to_be_recorded(cluster, shard, proposal) {
        return;
    }
    if node.foreign_engine().is_some() {
        proposal.wait(WaitingOn::Certainty(serial));
        return;
    }
    if durability::waits_for_data(cluster, shard, node, proposal) {
        return;
    }
    // A claim that not everybody has heard would not hold against this node's memory of its own.
    if shard.primary().is_some_and(|primary| !is_known_to_all(cluster, primary)) && !shard.owns_nothing {
        proposal.wait(WaitingOn::FailoverToSettle(shard.index));
        return;
    }
    if let Some(blocker) = shard.wake_blocker(node).filter(|_| !import::brings_data(cluster, node)) {
        proposal.wait(match (blocker.life(), blocker.engine()) {
            (Life::Alive | Life::Dead, Some(_)) => WaitingOn::FailoverToSettle(shard.index),
            (Life::Alive | Life::Dead, None) => WaitingOn::NodeToAnswer(blocker.serial()),
            (Life::Uncertain, _) => WaitingOn::Certainty(blocker.serial()),
        });
        return;
    }
    if cluster.first_shares().is_none() {
        proposal.wait(WaitingOn::SourceToAnswer);
        return;
    }
    match &node.seen.files {
        Seen::Unknown => proposal.wait(WaitingOn::Certainty(serial)),
        Seen::Absent => match better_informed(cluster, shard, node, proposal) {
            Some(sibling) => proposal.wait(WaitingOn::NodeToAnswer(sibling.serial())),
            None => proposal.propose(Step::PrepareNode {
                node: serial,
                settings: import::first_settings(cluster, node),
                seed: cluster_seed(cluster),
                admission: import::first_admission(cluster, shard, node),
            }),
        },
        Seen::Known(_) => match copying_sibling(cluster, shard, node, proposal) {
            Some(other) => proposal.wait(WaitingOn::ReplicaToSync(other)),
            None if import::holds_back(cluster, shard, node, proposal) => {}
            None => plan_start(cluster, shard, node, proposal),
        },
    }
}

/// Beside a living lead a node wakes up as its replica, told so: what it remembers may be a claim of its own that nobody ever
/// heard, stronger than the one in force, or not readable any more. One that brings a dead shard back in place of its last
/// primary is told to lead it.
fn plan_start(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let serial = node.serial();
    let is_led = cluster.desired.convergence != Convergence::Never && shard.lead().is_some();
    let crown = durability::revival(cluster, shard).and_then(|revival| revival.crown);
    let seed = (is_led || crown.is_some()).then(|| crowning_seed(cluster, crown.as_ref()));
    let load = durability::load(cluster, shard, node);
    match retry::after_start(&node.seen.history, proposal.now) {
        Some(left) => proposal.hold(StepKind::StartProcess, Some(serial), FaultKind::Transient, left),
        None => proposal.propose(Step::StartProcess { node: serial, engine: node.allocation.kind.engine_version, seed, load }),
    }
}

/// A sibling that is about to copy the shard's data. A primary copies itself to one replica at a time and looks for the next
/// once a second, so two that ask at once take longer than one after the other.
fn copying_sibling(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &Proposal<'_>) -> Option<NodeSerial> {
    let lead = shard.lead().filter(|_| cluster.desired.convergence != Convergence::Never)?;
    let starts_now = |serial: NodeSerial| {
        proposal.steps().iter().any(|step| matches!(step, Step::StartProcess { node: other, .. } if *other == serial))
    };
    let was_started_lately = |other: &Node<'_>| {
        let last = other.seen.history.last_start;
        other.life() == Life::Alive && last.is_some_and(|last| retry::elapsed(last, proposal.now) < COPY_PATIENCE)
    };
    let others = shard.siblings(node).filter(|other| other.is_member() && other.serial() != lead.serial());
    let mut copying = others.filter(|other| {
        !other.copies(lead.id()) && (other.is_syncing() || starts_now(other.serial()) || was_started_lately(other))
    });
    copying.next().map(Node::serial)
}

/// A sibling that is about to speak and whose folder may remember this node as an owner of slots.
///
/// Such a memory would void the living primary's claim in favour of a node that, from a seed made too early, knows nothing of
/// it: the slots would have no owner. Once heard, the sibling decides the seed.
fn better_informed<'s, 'a>(
    cluster: &Cluster<'_>,
    shard: &'s Shard<'a>,
    node: &Node<'_>,
    proposal: &Proposal<'_>,
) -> Option<&'s Node<'a>> {
    if cluster.desired.convergence == Convergence::Never {
        return None;
    }
    shard.siblings(node).filter(|sibling| sibling.is_member()).find(|sibling| {
        let history = &sibling.seen.history;
        let is_starting = history.last_start.is_some_and(|last| retry::elapsed(last, proposal.now) < STARTUP_PATIENCE);
        match sibling.life() {
            Life::Dead => history.starts == 0 && sibling.seen.files.known().is_some(),
            Life::Alive => sibling.engine().is_none() && is_starting,
            Life::Uncertain => false,
        }
    })
}

/// A process whose folder is gone cannot remember its cluster and has to start over, one per shard at a time. The only
/// copy of a shard's data is left running for as long as it does: ending it would lose what it serves.
fn plan_lost_folder(shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    if !node.seen.files.is_absent() || proposal.takes_over(shard.index) || handover::is_pending(shard, proposal) {
        return;
    }
    // A primary hands over first.
    let has_live_copy = shard.primary().is_some_and(|primary| primary.serial() != node.serial());
    let is_shard_calm = shard.siblings(node).all(|sibling| {
        let history = &sibling.seen.history;
        sibling.engine().is_some_and(|engine| !engine.loading) && sibling.life() == Life::Alive && history.stops == 0
    });
    let is_begun = |other: &Node<'_>| other.seen.history.stops > 0;
    let folderless = || shard.nodes.iter().filter(|other| is_folderless(other));
    let chosen = folderless().find(|other| is_begun(other)).or_else(|| folderless().next());
    let is_chosen = chosen.is_some_and(|chosen| chosen.serial() == node.serial());
    if is_chosen && (is_begun(node) || (has_live_copy && is_shard_calm)) {
        stopping::plan_stop(node, proposal);
    }
}

fn is_folderless(node: &Node<'_>) -> bool {
    node.life() == Life::Alive && node.seen.files.is_absent()
}
