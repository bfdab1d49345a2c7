//! A new primary for a shard whose primary lives: by agreement, so that nothing is lost and clients wait some milliseconds.
//!
//! Called for each shard after `failover`. Its invariant: an heir is asked only when it is in sync, everybody who votes has
//! links to it in both directions, and nothing else disturbs the shard; else the primary would stop writes for seconds and
//! wait for a vote that never comes.

use std::cmp::Reverse;
use std::time::Duration;

use valkyard_model::{EngineSeen, NodeAddress, PeerHealth, Step, WaitingOn};

use crate::change::Change;
use crate::cluster::{Cluster, Life, Node, Shard};
use crate::moves;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// How long one attempt is left alone: the engine gives up after 5 s (`cluster-manual-failover-timeout`), and asking again
/// meanwhile would start it over.
const ATTEMPT_PATIENCE: Duration = Duration::from_millis(5_500);
/// Replicas acknowledge once a second; a tenth of it for the way.
const ACKNOWLEDGED_AFTER: Duration = Duration::from_millis(1_100);
/// Most bytes an heir may lack: the primary pauses writes until it has them, about a millisecond for this many.
const LAG_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn plan_handover(cluster: &Cluster<'_>, change: Change, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    let Some(lead) = shard.primary().filter(|lead| wants_heir(cluster, change, shard, lead, proposal)) else { return };
    if proposal.disturbs(shard) || moves::is_moving(cluster, shard) {
        proposal.wait(WaitingOn::HeirToBeReady(shard.index));
        return;
    }
    if is_pending(shard, proposal) {
        proposal.wait(WaitingOn::FailoverToSettle(shard.index));
        return;
    }
    // A primary in the way of a change is followed only by one that stays after it.
    let lasts = |node: &Node<'_>| !lead.is_outdated(cluster) || node.is_current(cluster);
    let is_free = |node: &Node<'_>| lasts(node) && !proposal.is_busy(node.serial());
    let heirs = shard.siblings(lead).filter(|node| is_heir(cluster, node, lead, proposal) && is_free(node));
    let rank = |node: &&Node<'_>| {
        let offset = node.engine().map_or(0, |engine| engine.replication_offset);
        (node.is_current(cluster), node.allocation.zone != lead.allocation.zone, offset, Reverse(node.serial()))
    };
    if let Some(heir) = heirs.max_by_key(rank) {
        let node = heir.serial();
        proposal.propose(Step::FailOver { node });
        return;
    }
    let mut copies = shard.siblings(lead).filter(|node| node.is_member() && node.copies(lead.id()) && is_free(node));
    let greeting = copies.find_map(|node| greeting(cluster, node, lead));
    greeting.into_iter().for_each(|greeting| proposal.propose(greeting));
    proposal.wait(WaitingOn::HeirToBeReady(shard.index));
}

/// A node that was just met is taken for a primary until its next message, up to a second later. Meeting it again is one.
fn greeting(cluster: &Cluster<'_>, node: &Node<'_>, lead: &Node<'_>) -> Option<Step> {
    let voters = cluster.shards.iter().filter_map(Shard::primary);
    let strangers = voters.filter(|voter| !knows_as_copy(voter, node, lead));
    let address =
        |voter: &Node<'_>| NodeAddress { client: voter.client_address(cluster.desired), bus_port: voter.allocation.bus_port };
    let peers: Vec<NodeAddress> = strangers.map(address).collect();
    (!peers.is_empty()).then(|| Step::Meet { node: node.serial(), peers })
}

/// Whether somebody asked for another primary, or the primary is in the way of a change and all that are to stay are ready.
fn wants_heir(cluster: &Cluster<'_>, change: Change, shard: &Shard<'_>, lead: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    if proposal.observed.handovers.get(&shard.index) == Some(&lead.serial()) || !lead.is_member() {
        return true;
    }
    // A primary that lost its folder has to start over, which must not cost what it has not sent yet.
    if lead.seen.files.is_absent() && shard.siblings(lead).any(|node| node.copies(lead.id())) {
        return true;
    }
    change.replacing == Some(shard.index) && lead.is_outdated(cluster) && has_all_copies(cluster, shard, lead)
}

/// Whether as many nodes as the spec wants are of its kind and have all the data.
pub(crate) fn has_all_copies(cluster: &Cluster<'_>, shard: &Shard<'_>, lead: &Node<'_>) -> bool {
    let holds = |node: &&Node<'_>| node.is_current(cluster) && (node.serial() == lead.serial() || node.copies(lead.id()));
    shard.nodes.iter().filter(holds).count() > usize::from(cluster.desired.spec.replica_count)
}

/// Whether a node of this shard may be taking over by agreement at this moment.
pub(crate) fn is_pending(shard: &Shard<'_>, proposal: &Proposal<'_>) -> bool {
    shard.nodes.iter().any(|node| was_asked_lately(node, proposal))
}

fn was_asked_lately(node: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    node.seen.history.last_failover.is_some_and(|last| elapsed(last, proposal.now) < ATTEMPT_PATIENCE)
}

fn is_heir(cluster: &Cluster<'_>, node: &Node<'_>, lead: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    let (Some(engine), Some(primary)) = (node.engine(), lead.engine()) else { return false };
    let lag = primary.replication_offset.saturating_sub(engine.replication_offset);
    node.is_member()
        && node.copies(lead.id())
        && node.knows_slots_of(lead)
        && receives(node, proposal)
        && engine.cluster_ok
        && lag <= LAG_BYTES_MAX
        // The engine asks all owners of slots for their votes, even for a change by agreement, and one that was promoted a
        // moment ago, or is only taken for an owner, gives none; and it counts only those that it knows as owners.
        && cluster.holdings().is_some()
        && cluster
            .shards
            .iter()
            .filter_map(Shard::primary)
            .all(|voter| are_linked(node, voter) && knows_as_copy(voter, node, lead) && node.knows_slots_of(voter))
}

/// Whether the stream of a replica that was just copied flows. A primary holds it back until the replica's next
/// acknowledgement, up to a second after the copy looks complete; in a handover meanwhile writes would wait as long.
fn receives(node: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    let Some(since) = &node.seen.history.in_sync_since else { return true };
    let has_moved = node.engine().is_some_and(|engine| engine.replication_offset > since.offset);
    has_moved || elapsed(since.at, proposal.now) >= ACKNOWLEDGED_AFTER
}

/// Whether a primary has heard that a node copies this one. A primary ignores the request of a replica that it does not know
/// as its own, and a voter one of a node that it takes for something else: the attempt would time out with writes paused.
fn knows_as_copy(voter: &Node<'_>, node: &Node<'_>, lead: &Node<'_>) -> bool {
    let known = voter.engine().and_then(|engine| engine.peers.get(node.id()));
    known.is_some_and(|peer| peer.replica_of.as_ref() == Some(lead.id()))
}

/// Whether two nodes have working links to each other.
pub(crate) fn are_linked(one: &Node<'_>, other: &Node<'_>) -> bool {
    let reaches = |from: Option<&EngineSeen>, to: &Node<'_>| {
        from.and_then(|engine| engine.peers.get(to.id())).is_some_and(|peer| peer.health == PeerHealth::Ok)
    };
    one.life() == Life::Alive && reaches(one.engine(), other) && reaches(other.engine(), one)
}
