//! Links between living nodes that do not form by themselves: acquaintance and allegiance.
//!
//! Called for each shard after `membership`. Its invariant: only a node without slots is made to copy another, and only
//! engines that answered with their own identity get commands. Nodes started from a seed never need it.

use valkyard_model::{EngineSeen, NodeAddress, RoleSeen, Step};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::failover::is_wanted_back;
use crate::proposal::Proposal;

pub(crate) fn plan_repairs(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    let is_open = |node: &&Node<'_>| is_part(shard, node) && node.life() == Life::Alive && node.seen.history.stops == 0;
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
    let is_stranger = |shard: &Shard<'_>, other: &Node<'_>| {
        let is_open = is_part(shard, other) && other.life() == Life::Alive;
        let Some(seen) = other.engine().filter(|seen| is_open && !seen.loading && other.serial() != node.serial()) else {
            return false;
        };
        let is_known = cluster.view(other).is_some_and(|theirs| view.known.has(other.place) && theirs.known.has(node.place));
        !is_known && (engine.peers.is_empty() || (node.serial() > other.serial() && !seen.peers.is_empty()))
    };
    let address =
        |other: &Node<'_>| NodeAddress { client: other.client_address(cluster.desired), bus_port: other.allocation.bus_port };
    let of_shard = |shard| move |other: &&Node<'_>| is_stranger(shard, other);
    cluster.shards.iter().flat_map(|shard| shard.nodes.iter().filter(of_shard(shard))).map(address).collect()
}

/// Whether a node stays, or is needed for as long as it has what nobody else has.
fn is_part(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    node.is_member() || is_wanted_back(shard, node)
}
