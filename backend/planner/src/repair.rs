//! Links between living nodes that do not form by themselves: acquaintance and allegiance.
//!
//! Called for each shard after `membership`. Its invariant: only a node without slots is made to copy another, and only
//! engines that answered with their own identity get commands. Nodes started from a seed never need it.

use valkyard_model::{EngineSeen, NodeAddress, RoleSeen, Step};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::proposal::Proposal;

pub(crate) fn plan_repairs(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    for node in shard.nodes.iter().filter(|node| node.life() == Life::Alive && node.seen.history.stops == 0) {
        let Some(engine) = node.engine().filter(|engine| !engine.loading) else { continue };
        let is_busy = proposal.steps().iter().any(|step| step.node() == Some(node.serial()));
        if !is_busy && let Some(step) = repair(cluster, shard, node, engine) {
            proposal.propose(step);
        }
    }
}

fn repair(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, engine: &EngineSeen) -> Option<Step> {
    let primary = shard.primary().filter(|primary| primary.serial() != node.serial());
    if engine.peers.is_empty() {
        let anyone = || cluster.nodes().find(|other| other.serial() != node.serial() && is_reachable(other));
        return primary.or_else(anyone).map(|other| meet(cluster, node, other));
    }
    let primary = primary?;
    let Some(known) = engine.peers.get(primary.id()) else { return Some(meet(cluster, node, primary)) };
    let is_astray = match &engine.role {
        RoleSeen::Primary => engine.slots.is_empty(),
        // It has heard of the new owner and still follows another: the bus will not correct this any more.
        RoleSeen::Replica { of, .. } => of != primary.id() && !known.slots.is_empty(),
    };
    is_astray.then(|| Step::Replicate { node: node.serial(), primary: primary.id().clone() })
}

fn is_reachable(node: &Node<'_>) -> bool {
    node.life() == Life::Alive && node.engine().is_some()
}

fn meet(cluster: &Cluster<'_>, node: &Node<'_>, other: &Node<'_>) -> Step {
    let peer = NodeAddress { client: other.client_address(cluster.desired), bus_port: other.allocation.bus_port };
    Step::Meet { node: node.serial(), peers: vec![peer] }
}
