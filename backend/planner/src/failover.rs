//! A new primary for a shard whose primary is certainly dead.
//!
//! Called for each shard before `membership`. Its invariant: nobody is promoted while the old primary might live, and at
//! most one node of a shard at a time. Votes of the engine itself stay possible; they show up as claims like any other.

use std::cmp::Reverse;
use std::time::Duration;

use valkyard_model::{LinkState, NodeAddress, NodeId, RoleSeen, Step, WaitingOn};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::durability::unseen_folder;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// How long a living replica that does not answer holds up a failover, as it may hold the newest data or have been promoted
/// already: far above a slow answer (milliseconds), far below a client's patience (seconds). An heir that never held any
/// data waits for as long as the silence lasts: promoting it would throw away what the silent one has.
const SILENT_REPLICA_PATIENCE: Duration = Duration::from_millis(500);

pub(crate) fn plan_failover(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    let Some(owner) = shard.owner().filter(|owner| owner.is_dead()) else { return };
    // Until an instance is complete, its first data is certain in one folder only: that node comes back.
    if cluster.desired.importing().is_some() {
        proposal.wait(WaitingOn::DataToLoad(owner.serial()));
        return;
    }
    if shard.nodes.iter().any(|node| node.life() == Life::Alive && node.claims_slots()) {
        // An older claimant lives: the bus settles who owns the slots before anybody else may be promoted.
        proposal.wait(WaitingOn::FailoverToSettle(shard.index));
        return;
    }
    let winner = shard.nodes.iter().find(|node| took_over_in_vain(node));
    // Whoever took over has the data, and a node that never copied it does not become better by being able to take over.
    let heir = choose_heir(cluster, shard, owner).filter(|heir| has_synced(heir) || winner.is_none());
    let Some(heir) = heir else {
        winner.into_iter().for_each(|winner| plan_late_claim(cluster, shard, winner, proposal));
        return;
    };
    proposal.wait(WaitingOn::FailoverToSettle(shard.index));
    // What the owner left on disk is worth more than what a copy never got.
    if !has_synced(heir) && unseen_folder(cluster, shard).is_some() {
        proposal.wait(WaitingOn::Certainty(owner.serial()));
        return;
    }
    if owner.data.is_some() && !has_synced(heir) {
        proposal.wait(WaitingOn::DataToLoad(owner.serial()));
        return;
    }
    // A better heir is on its way out and has to be introduced again first, or has still to hear whom it should follow.
    let is_better = |node: &Node<'_>| is_wanted_back(shard, node) || (node.is_member() && node.has_keys());
    let is_outdone = !has_synced(heir) && shard.siblings(heir).any(|node| node.life() == Life::Alive && is_better(node));
    if is_outdone || is_behind_the_times(cluster, shard, heir) {
        return;
    }
    if let Some(teller) = better_informed(cluster, shard, heir) {
        let heir = NodeAddress { client: heir.client_address(cluster.desired), bus_port: heir.allocation.bus_port };
        if !proposal.is_busy(teller.serial()) {
            proposal.propose(Step::Meet { node: teller.serial(), peers: vec![heir] });
        }
        return;
    }
    let is_waited_for = |silent: &&Node<'_>| {
        // A winner that nobody has heard of is a primary like any other: `detector` ends it first.
        !has_synced(heir) || silent.seen.history.may_have_taken_over || is_patient(owner, proposal)
    };
    match silent_replicas(shard, owner).find(is_waited_for) {
        Some(silent) => proposal.wait(WaitingOn::NodeToAnswer(silent.serial())),
        None => proposal.propose(Step::TakeOver { node: heir.serial() }),
    }
}

/// Whether a replica took over before it heard of its primary's slots: it has their keys and does not own them.
fn took_over_in_vain(node: &Node<'_>) -> bool {
    node.life() == Life::Alive && node.is_empty_primary() && node.has_keys()
}

/// The dead primary must not come back for what another one took over.
fn plan_late_claim(cluster: &Cluster<'_>, shard: &Shard<'_>, winner: &Node<'_>, proposal: &mut Proposal<'_>) {
    proposal.wait(WaitingOn::FailoverToSettle(shard.index));
    let living = cluster.nodes().filter_map(Node::engine);
    let slots = living.fold(shard.slots(), |left, engine| left.without(&engine.slots));
    if !slots.is_empty() && !proposal.is_busy(winner.serial()) {
        proposal.propose(Step::ClaimSlots { node: winner.serial(), slots });
    }
}

/// Whether every node that answers and stays has this one in its view.
pub(crate) fn is_known_to_all(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let mut others = cluster.nodes().filter(|other| other.is_member() && other.serial() != node.serial());
    others.all(|other| cluster.view(other).is_none_or(|view| view.known.has(node.place)))
}

/// The most caught-up replica that stays, else one that was to leave; of equal ones, one in another zone than the dead
/// primary's, then the oldest.
fn choose_heir<'s, 'a>(cluster: &Cluster<'_>, shard: &'s Shard<'a>, dead: &Node<'_>) -> Option<&'s Node<'a>> {
    let rank = |node: &Node<'_>| {
        let engine = node.engine().filter(|_| node.life() == Life::Alive)?;
        // Word of a takeover may have died with its winner: then a replica still follows the primary before.
        let followed = |of: &NodeId| shard.siblings(node).find(|sibling| sibling.id() == of);
        let is_orphan = match &engine.role {
            RoleSeen::Replica { of, .. } => followed(of).is_some_and(Node::is_dead),
            RoleSeen::Primary => false,
        };
        // A node that leaves may have been forgotten: nobody would hear its claim, and its writes would be lost.
        let is_heir = is_orphan && !engine.loading && (node.is_member() || is_known_to_all(cluster, node));
        let is_elsewhere = node.allocation.zone != dead.allocation.zone;
        is_heir.then_some((has_synced(node) && node.is_member(), engine.replication_offset, is_elsewhere, Reverse(node.serial())))
    };
    let ranked = shard.siblings(dead).filter_map(|node| Some((rank(node)?, node)));
    ranked.max_by_key(|(rank, _)| *rank).map(|(_, node)| node)
}

/// Somebody who has heard of a newer claim to the shard's slots than the heir has: of one that took over and died at once. An
/// heir takes over at the next epoch that it knows of; at the dead one's own, those who heard of that would never believe it,
/// and elect another. An introduction tells it within a tenth of a second.
fn better_informed<'c, 'a>(cluster: &'c Cluster<'a>, shard: &Shard<'_>, heir: &Node<'_>) -> Option<&'c Node<'a>> {
    let claimed = shard.claim.as_ref()?.epoch;
    heir.engine().filter(|engine| engine.current_epoch < claimed)?;
    cluster.nodes().find(|node| {
        let has_heard = node.engine().is_some_and(|engine| engine.current_epoch >= claimed && !engine.loading);
        node.life() == Life::Alive && has_heard && node.serial() != heir.serial()
    })
}

/// Whether an heir would take slots that have moved away since it last heard of its primary's: they would come back to it
/// without the writes made at their new owner. The bus tells it within about a second.
fn is_behind_the_times(cluster: &Cluster<'_>, shard: &Shard<'_>, heir: &Node<'_>) -> bool {
    let Some(engine) = heir.engine() else { return false };
    let RoleSeen::Replica { of, .. } = &engine.role else { return false };
    let Some(inheritance) = engine.peers.get(of).map(|peer| &peer.slots) else { return false };
    let others = cluster.shards.iter().filter(|other| other.index != shard.index).filter_map(|other| other.primary()?.engine());
    others.into_iter().any(|owner| owner.slots.overlaps(inheritance))
}

/// Whether a node on its way out is needed after all: it owns slots, or has the only living copy of a dead primary's data. It
/// may have been forgotten, so it has to be introduced again before anybody hears it.
pub(crate) fn is_wanted_back(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    if node.is_member() || node.life() != Life::Alive {
        return false;
    }
    let is_orphan = shard.owner().is_some_and(|owner| owner.is_dead() && node.follows(owner));
    let has_heir = || shard.nodes.iter().any(|other| other.is_member() && other.life() == Life::Alive && has_synced(other));
    node.claims_slots() || (is_orphan && !shard.owns_nothing && has_synced(node) && !has_heir())
}

/// Whether a replica ever held its primary's data, as far as can be told.
pub(crate) fn has_synced(heir: &Node<'_>) -> bool {
    heir.engine().is_some_and(|engine| match &engine.role {
        RoleSeen::Replica { link: LinkState::Syncing, .. } => false,
        RoleSeen::Replica { link: LinkState::Up | LinkState::Down, .. } | RoleSeen::Primary => engine.replication_offset > 0,
    })
}

/// Whether a silent replica may still be waited for. A death that this daemon did not see counts from its first look.
fn is_patient(dead: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    let died = dead.seen.history.last_exit.as_ref().map_or(proposal.observed.first_look, |exit| exit.at);
    elapsed(died, proposal.now) < SILENT_REPLICA_PATIENCE
}

fn silent_replicas<'s, 'a>(shard: &'s Shard<'a>, dead: &Node<'_>) -> impl Iterator<Item = &'s Node<'a>> {
    shard.siblings(dead).filter(|node| !node.is_dead() && node.engine().is_none())
}
