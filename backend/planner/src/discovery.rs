//! The discovery endpoint: open as soon as a node answers, always leading to nodes that do.
//!
//! Its invariant: a node leaves the endpoint only when it is certainly gone or refuses connections; one that does not answer
//! only moves behind those that do.

use std::collections::BTreeSet;
use std::net::SocketAddrV4;

use valkyard_model::{Seen, Step};

use crate::cluster::{Cluster, Life, Node};
use crate::import;
use crate::proposal::Proposal;

pub(crate) fn plan_discovery(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let open: &[SocketAddrV4] = match &proposal.observed.discovery {
        Seen::Known(seen) => &seen.backends,
        Seen::Absent => &[],
        Seen::Unknown => return,
    };
    // With a part of its data an instance is of no use to anybody.
    if !import::is_counted(cluster) {
        return;
    }
    let backends = live_backends(cluster, open);
    if !backends.is_empty() && backends != open {
        proposal.propose(Step::OpenDiscovery { backends });
    }
}

/// Whether the endpoint is open and leads where it should.
pub(crate) fn is_open(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> bool {
    let open = proposal.observed.discovery.known();
    open.is_some_and(|seen| !seen.backends.is_empty() && seen.backends == live_backends(cluster, &seen.backends))
}

/// Those that answer first, primaries before replicas, then by age.
fn live_backends(cluster: &Cluster<'_>, open: &[SocketAddrV4]) -> Vec<SocketAddrV4> {
    let is_backend = |node: &&Node<'_>| match &node.seen.engine {
        Seen::Known(_) => node.life() == Life::Alive && node.engine().is_some_and(|engine| !engine.loading),
        Seen::Absent => false,
        Seen::Unknown => !node.is_dead() && open.contains(&node.client_address(cluster.desired)),
    };
    let primaries: BTreeSet<_> = cluster.shards.iter().filter_map(|shard| Some(shard.owner()?.serial())).collect();
    let mut nodes: Vec<&Node<'_>> = cluster.nodes().filter(|node| node.is_member()).filter(is_backend).collect();
    nodes.sort_by_cached_key(|node| (node.engine().is_none(), !primaries.contains(&node.serial()), node.serial()));
    nodes.into_iter().map(|node| node.client_address(cluster.desired)).collect()
}
