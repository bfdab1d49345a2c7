//! Links between living nodes that do not form by themselves: acquaintance and allegiance.
//!
//! Called for each shard after `membership`. Its invariant: only a node without slots is made to copy another, and only
//! engines that answered with their own identity get commands. Nodes started from a seed never need it.

use valkyard_model::{EngineSeen, NodeAddress, RoleSeen, Step};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::proposal::Proposal;

pub(crate) fn plan_repairs(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    let is_open = |node: &&Node<'_>| node.is_member() && node.life() == Life::Alive && node.seen.history.stops == 0;
    for node in shard.nodes.iter().filter(is_open) {
        let Some(engine) = node.engine().filter(|engine| !engine.loading) else { continue };
        if !proposal.is_busy(node.serial())
            && let Some(step) = repair(cluster, shard, node, engine)
        {
            proposal.propose(step);
        }
    }
}

fn repair(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, engine: &EngineSeen) -> Option<Step> {
    let strangers = strangers(cluster, node, engine);
    if !strangers.is_empty() {
        return Some(Step::Meet { node: node.serial(), peers: strangers });
    }
    let lead = shard.lead().filter(|lead| lead.serial() != node.serial())?;
    let known = engine.peers.get(lead.id())?;
    let is_astray = match &engine.role {
        RoleSeen::Primary => engine.slots.is_empty(),
        // It has heard of the new owner and still follows another: the bus will not correct this any more.
        RoleSeen::Replica { of, .. } => of != lead.id() && (!known.slots.is_empty() || shard.slots().is_empty()),
    };
    is_astray.then(|| Step::Replicate { node: node.serial(), primary: lead.id().clone() })
}

/// Nodes that this one does not know, or that do not know it. Of two the newer one introduces itself, except to one that
/// knows nobody at all.
fn strangers(cluster: &Cluster<'_>, node: &Node<'_>, engine: &EngineSeen) -> Vec<NodeAddress> {
    let Some(view) = cluster.view(node).filter(|_| !cluster.is_acquainted) else { return Vec::new() };
    let place = node.place;
    let is_stranger = |other: &&Node<'_>| {
        let Some(theirs) = cluster.view(other).filter(|_| is_open(other) && other.serial() != node.serial()) else {
            return false;
        };
        let is_known = view.known.has(other.place) && theirs.known.has(place);
        let is_alone = || other.engine().is_none_or(|engine| engine.peers.is_empty());
        !is_known && (engine.peers.is_empty() || (node.serial() > other.serial() && !is_alone()))
    };
    let address =
        |other: &Node<'_>| NodeAddress { client: other.client_address(cluster.desired), bus_port: other.allocation.bus_port };
    cluster.nodes().filter(is_stranger).map(address).collect()
}

/// Whether a node can be introduced: it stays and answers.
fn is_open(node: &Node<'_>) -> bool {
    node.is_member() && node.life() == Life::Alive && node.engine().is_some_and(|engine| !engine.loading)
}
