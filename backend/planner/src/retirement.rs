//! Nodes that leave: who, and their way out.
//!
//! `plan_retirement` chooses, once and durably; `plan_forgetting` and `plan_leaving` take the chosen ones out: forgotten by all
//! others, ended, removed, released. Its invariants: nobody is chosen before everybody who is to stay has the data, and nobody
//! who owns slots goes; handing over and emptying come first.

use std::time::Duration;

use valkyard_model::{NodeId, NodeSerial, PeerSeen, Seen, SlotSet, Step, WaitingOn, Zone};

use crate::census::Places;
use crate::change::Change;
use crate::cluster::{Cluster, Life, Node, Shard};
use crate::handover::{self, has_all_copies};
use crate::proposal::Proposal;
use crate::retry::elapsed;
use crate::stopping;
use crate::{durability, moves};

/// How long a node that everybody forgot still answers, with MOVED. Some libraries ask only nodes they know for the layout; one
/// that sends a command within this time learns of the new ones before the last old one is gone.
const DRAIN_GRACE: Duration = Duration::from_secs(5);

pub(crate) fn plan_retirement(cluster: &Cluster<'_>, change: Change, proposal: &mut Proposal<'_>) {
    let mut nodes: Vec<NodeSerial> = Vec::new();
    for shard in &cluster.shards {
        if !proposal.disturbs(shard) && !handover::is_pending(shard, proposal) {
            let chosen = if cluster.stays(shard) { dispensable(cluster, shard) } else { emptied(cluster, change, shard) };
            nodes.extend(chosen);
        }
    }
    if !nodes.is_empty() {
        proposal.propose(Step::RetireNodes { nodes });
    }
}

/// All nodes of a shard that is to go, once every slot has an owner elsewhere.
fn emptied(cluster: &Cluster<'_>, change: Change, shard: &Shard<'_>) -> Vec<NodeSerial> {
    let staying = cluster.shards.iter().filter(|other| cluster.stays(other));
    let owned = staying.filter_map(|other| other.primary()?.engine()).fold(SlotSet::default(), |all, e| all.union(&e.slots));
    let is_emptied = change.may_reshape && owned == SlotSet::all() && !moves::is_moving(cluster, shard);
    shard.nodes.iter().filter(|node| is_emptied && node.is_member() && !node.claims_slots()).map(Node::serial).collect()
}

/// Nodes of a kind that is not wanted any more, and replicas beyond the number wanted.
fn dispensable(cluster: &Cluster<'_>, shard: &Shard<'_>) -> Vec<NodeSerial> {
    let Some(lead) = shard.lead().filter(|lead| has_all_copies(cluster, shard, lead)) else { return Vec::new() };
    let goes = |node: &&Node<'_>| node.is_member() && node.serial() != lead.serial() && !node.claims_slots();
    let outdated = shard.nodes.iter().filter(goes).filter(|node| node.is_outdated(cluster));
    let mut chosen: Vec<NodeSerial> = outdated.map(Node::serial).collect();
    let mut current: Vec<&Node<'_>> = shard.nodes.iter().filter(|node| node.is_current(cluster)).collect();
    while current.len() > 1 + usize::from(cluster.desired.spec.replica_count) {
        let Some(surplus) = least_needed(&current, lead) else { break };
        current.retain(|node| node.serial() != surplus);
        chosen.push(surplus);
    }
    chosen
}

/// The replica that is missed least: one that does not copy, then one whose zone has others, then the newest.
fn least_needed(current: &[&Node<'_>], lead: &Node<'_>) -> Option<NodeSerial> {
    let crowd = |zone: &Zone| current.iter().filter(|node| node.allocation.zone == *zone).count();
    let rank = |node: &&&Node<'_>| (!node.copies(lead.id()), crowd(&node.allocation.zone), node.serial());
    let replicas = current.iter().filter(|node| node.serial() != lead.serial() && !node.claims_slots());
    replicas.max_by_key(rank).map(|node| node.serial())
}

/// Everybody who stays forgets who leaves, and whoever left before and is remembered by a node that was away then.
pub(crate) fn plan_forgetting(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let leaving = leaving(cluster, proposal);
    let mut leavers = Places::default();
    leaving.iter().for_each(|node| leavers.add(node.place));
    for teller in cluster.nodes().filter(|node| node.is_member() && node.life() == Life::Alive) {
        let view = cluster.view(teller).filter(|view| view.has_strangers || view.known.overlaps(&leavers));
        let Some(engine) = view.and(teller.engine()).filter(|_| !proposal.is_busy(teller.serial())) else { continue };
        // Whoever still takes a leaver for an owner would call its slots unowned; it hears of the new owner in a moment.
        let goes = |(id, peer): &(&NodeId, &PeerSeen)| match cluster.shard_of(id) {
            None => true,
            Some(_) => peer.slots.is_empty() && leaving.iter().any(|node| node.id() == *id),
        };
        let peers: Vec<NodeId> = engine.peers.iter().filter(goes).map(|(id, _)| id.clone()).collect();
        if !peers.is_empty() {
            proposal.propose(Step::Forget { node: teller.serial(), peers });
        }
    }
}

/// The way out of those that everybody has forgotten.
pub(crate) fn plan_leaving(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    for node in cluster.nodes().filter(|node| !node.is_member()) {
        proposal.wait(WaitingOn::NodeToLeave(node.serial()));
    }
    let leaving = leaving(cluster, proposal);
    for node in leaving.iter().filter(|node| !is_gone(node)) {
        if !proposal.is_busy(node.serial()) {
            plan_exit(cluster, node, proposal);
        }
    }
    let is_over = |node: &&&Node<'_>| is_gone(node) && !is_known(cluster, node);
    let nodes: Vec<NodeSerial> = leaving.iter().filter(is_over).map(|node| node.serial()).collect();
    if !nodes.is_empty() {
        proposal.propose(Step::ReleaseNodes { nodes });
    }
}

/// Nodes that are free to go.
fn leaving<'c, 'a>(cluster: &'c Cluster<'a>, proposal: &Proposal<'_>) -> Vec<&'c Node<'a>> {
    let of_shard = |shard: &'c Shard<'a>| {
        let leaves = move |node: &&Node<'a>| !node.is_member() && is_free_to_go(cluster, shard, node, proposal);
        shard.nodes.iter().filter(leaves)
    };
    cluster.shards.iter().flat_map(of_shard).collect()
}

/// Whether nothing depends on a leaving node any more: it owns nothing, no node that stays copies it, and those that stay
/// have everything without it.
fn is_free_to_go(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    let is_followed = shard.siblings(node).any(|other| other.is_member() && other.follows(node));
    // What it has on disk goes with it.
    let is_safe = |lead: &Node<'_>| node.data.is_none() || durability::is_on_disk(cluster, lead);
    let is_complete = |lead: &Node<'_>| lead.is_member() && has_all_copies(cluster, shard, lead) && is_safe(lead);
    let is_left_behind = shard.owns_nothing || shard.lead().is_some_and(is_complete);
    !node.claims_slots() && !is_followed && is_left_behind && !handover::is_pending(shard, proposal)
}

fn plan_exit(cluster: &Cluster<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let serial = node.serial();
    match (node.life(), &node.seen.files) {
        (Life::Alive, _) if is_draining(cluster, node, proposal) => {}
        (Life::Alive, _) => stopping::plan_stop(node, proposal),
        (Life::Dead, Seen::Known(_)) => proposal.propose(Step::RemoveFiles { node: serial }),
        (Life::Dead, Seen::Absent) => {}
        (Life::Dead, Seen::Unknown) | (Life::Uncertain, _) => proposal.wait(WaitingOn::Certainty(serial)),
    }
}

/// Whether a leaving node may still be asked for something: it was not forgotten yet, or a moment ago. One that introduced
/// itself again does not stay longer for it.
fn is_draining(cluster: &Cluster<'_>, node: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    match node.seen.history.forgotten_since {
        Some(since) => elapsed(since, proposal.now) < DRAIN_GRACE,
        None => is_known(cluster, node),
    }
}

/// Whether a living node that stays still has this one in its view. One that does not answer is told when it does.
fn is_known(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let place = node.place;
    let mut staying = cluster.nodes().filter(|other| other.is_member() && other.life() == Life::Alive);
    staying.any(|other| cluster.view(other).is_some_and(|view| view.known.has(place)))
}

fn is_gone(node: &Node<'_>) -> bool {
    node.is_dead() && node.seen.files.is_absent()
}
