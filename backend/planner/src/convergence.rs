//! Whether an instance is as its spec wants it, seen and not assumed; and for each living node, what is missing.
//!
//! Called last. Its invariant: a generation that changed something about nodes is recorded only from one observation in which
//! every node serves in a role, every replica is in sync, every slot is owned and the discovery endpoint leads to all of
//! them. One that changed nothing about them adds nothing to see: it is recorded at once.

use valkyard_model::{Convergence, LinkState, Role, RoleSeen, Step, WaitingOn};

use crate::census::Places;
use crate::change::Change;
use crate::cluster::{Cluster, Life, Node, Shard};
use crate::proposal::Proposal;
use crate::rebalance::decide_moves;
use crate::room::due_maxmemory;
use crate::{configuration, discovery, durability, following, layout, moves};

pub(crate) fn plan_convergence(cluster: &Cluster<'_>, change: Change, proposal: &mut Proposal<'_>) {
    if let Some(shard) = change.replacing {
        proposal.wait(WaitingOn::Replacement(shard));
    }
    let members = member_places(cluster);
    for shard in &cluster.shards {
        for node in shard.nodes.iter().filter(|node| node.is_member() && node.life() == Life::Alive) {
            if let Some(reason) = missing(cluster, &members, shard, node) {
                proposal.wait(reason);
            }
        }
    }
    wait_for_links(cluster, proposal);
    let desired = cluster.desired;
    let is_reached = desired.convergence.has_reached(desired.generation);
    if !is_reached && desired.convergence.has_reached(desired.shape_generation) {
        proposal.propose(Step::RecordConverged { generation: desired.generation });
        return;
    }
    if !proposal.is_quiet() {
        return;
    }
    if !is_complete(cluster, change) {
        // Every node is content, yet slots or shards are missing: the nodes' views have to meet first.
        if let Some(node) = cluster.nodes().next() {
            proposal.wait(WaitingOn::ClusterToAgree(node.serial()));
        }
        return;
    }
    if !is_reached && discovery::is_open(cluster, proposal) {
        proposal.propose(Step::RecordConverged { generation: desired.generation });
    }
}

/// A new secondary is complete when its shards follow; one that was complete goes on without its primary.
fn wait_for_links(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    match &cluster.desired.replication.role {
        Role::Secondary { .. } if cluster.desired.convergence == Convergence::Never => {}
        Role::None | Role::Primary { .. } | Role::Secondary { .. } | Role::Leaving => return,
    }
    for shard in &cluster.shards {
        if !following::follows(proposal, shard) {
            proposal.wait(WaitingOn::StreamOf(shard.index));
        }
    }
}

/// Whether the nodes of the spec serve in their roles with its settings, and every slot is where it belongs. Says nothing of
/// the discovery endpoint, and nothing of nodes that only have to leave.
pub(crate) fn is_complete(cluster: &Cluster<'_>, change: Change) -> bool {
    let (members, due) = (member_places(cluster), due_maxmemory(cluster));
    let is_content = |shard: &Shard<'_>, node: &Node<'_>| {
        !node.is_outdated(cluster)
            && node.life() == Life::Alive
            && missing(cluster, &members, shard, node).is_none()
            && configuration::is_configured(cluster, due, node)
    };
    layout::missing_nodes(cluster, change).is_empty()
        && cluster.shards.iter().all(|shard| {
            let mut members = shard.nodes.iter().filter(|node| node.is_member());
            if !cluster.stays(shard) {
                return shard.slots().is_empty() && members.next().is_none();
            }
            shard.lead().is_some_and(Node::is_member) && members.all(|node| is_content(shard, node))
        })
        && cluster.shards.iter().all(|shard| !moves::is_moving(cluster, shard))
        && cluster.holdings().is_some_and(|holdings| decide_moves(&holdings).is_empty())
}

/// What a living node lacks to be in its place.
fn missing(cluster: &Cluster<'_>, members: &Places, shard: &Shard<'_>, node: &Node<'_>) -> Option<WaitingOn> {
    let serial = node.serial();
    let Some(engine) = node.engine() else { return Some(WaitingOn::NodeToAnswer(serial)) };
    if engine.loading {
        return Some(WaitingOn::NodeToLoad(serial));
    }
    let Some(primary) = shard.lead() else { return missing_primary(shard) };
    let is_primary = primary.serial() == serial;
    match &engine.role {
        RoleSeen::Primary if is_primary => {}
        RoleSeen::Primary if engine.slots.is_empty() => return Some(WaitingOn::ReplicaToSync(serial)),
        RoleSeen::Primary => return Some(WaitingOn::FailoverToSettle(shard.index)),
        RoleSeen::Replica { of, .. } if of != primary.id() => return Some(WaitingOn::FailoverToSettle(shard.index)),
        RoleSeen::Replica { link: LinkState::Syncing | LinkState::Down, .. } => return Some(WaitingOn::ReplicaToSync(serial)),
        RoleSeen::Replica { link: LinkState::Up, .. } => {}
    }
    let is_settled = engine.cluster_ok && knows_all(cluster, members, node);
    if !is_settled {
        return Some(WaitingOn::ClusterToAgree(serial));
    }
    let keeps_log = cluster.desired.spec.persistence.fsync().is_some();
    (keeps_log && !durability::is_on_disk(cluster, node)).then_some(WaitingOn::LogToBeWritten(serial))
}

/// The owner tells what a shard without a primary waits for, unless the owner itself is in doubt.
fn missing_primary(shard: &Shard<'_>) -> Option<WaitingOn> {
    match shard.owner() {
        Some(owner) if owner.life() != Life::Alive || owner.engine().is_none() => None,
        Some(_) | None => Some(WaitingOn::FailoverToSettle(shard.index)),
    }
}

fn member_places(cluster: &Cluster<'_>) -> Places {
    let mut places = Places::default();
    cluster.nodes().filter(|node| node.is_member()).for_each(|node| places.add(node.place));
    places
}

fn knows_all(cluster: &Cluster<'_>, members: &Places, node: &Node<'_>) -> bool {
    cluster.view(node).is_some_and(|view| members.is_within_but_for(node.place, &view.known))
}
