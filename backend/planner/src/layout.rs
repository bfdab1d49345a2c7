//! Which nodes an instance needs, and where they go: shards × (1 + replicas), spread over zones.
//!
//! Its invariants: two nodes of a shard share a zone only when no zone is free of that shard; serials, ids and ports are
//! never given out twice. A node of another kind than the spec's does not count: another one is made beside it before it may
//! leave. It allocates only; who leaves is `retirement`'s business.

use std::collections::{BTreeMap, BTreeSet};

use valkyard_model::{
    DesiredInstance, InitialRole, NodeAllocation, NodeId, NodeSerial, Port, PortBlock, ShardIndex, Standing, Zone,
    ZoneDistribution,
};

use crate::change::Change;
use crate::cluster::{Cluster, Node};

/// The nodes that the spec asks for, that are not allocated yet, and whose turn it is.
///
/// Fewer than asked for when the address block runs out of ports, which validated specs cannot reach.
pub(crate) fn missing_nodes(cluster: &Cluster<'_>, change: Change) -> Vec<NodeAllocation> {
    let desired = cluster.desired;
    let mut ports = free_ports(desired);
    let mut serial = desired.next_serial;
    let mut missing = Vec::new();
    let replaced = change.replacing.filter(|shard| shard.0 >= desired.spec.shard_count);
    for shard in (0..desired.spec.shard_count).map(ShardIndex).chain(replaced) {
        if !change.may_complete(cluster, shard) {
            continue;
        }
        let present: &[Node<'_>] = cluster.shard(shard).map_or(&[], |shard| &shard.nodes);
        let mut zones: Vec<Zone> =
            present.iter().filter(|node| node.is_current(cluster)).map(|node| node.allocation.zone.clone()).collect();
        let mut has_primary = !present.is_empty();
        while zones.len() < 1 + usize::from(desired.spec.replica_count) {
            let Some((port, bus_port)) = ports.next() else { return missing };
            let zone = choose_zone(desired, shard, &zones);
            zones.push(zone.clone());
            let initial_role = if has_primary { InitialRole::Replica } else { InitialRole::Primary };
            has_primary = true;
            let id = NodeId::derive(desired.uid, serial);
            let (kind, standing) = (desired.kind(), Standing::Member);
            missing.push(NodeAllocation { serial, id, shard, initial_role, zone, port, bus_port, kind, standing });
            serial = NodeSerial(serial.0 + 1);
        }
    }
    missing
}

/// The zone with the fewest nodes of this shard; of equal ones the next in a round that starts one zone further for each
/// shard, so that primaries spread too.
fn choose_zone(desired: &DesiredInstance, shard: ShardIndex, taken: &[Zone]) -> Zone {
    match &desired.spec.zones {
        ZoneDistribution::SingleZone { zone } => zone.clone(),
        ZoneDistribution::MultiZone => {
            let all = Zone::all_of(&desired.name.location);
            let there: Vec<Zone> = all.iter().filter(|zone| !desired.zones_out.contains(zone)).cloned().collect();
            let mut zones = if there.is_empty() { all.to_vec() } else { there };
            let start = (usize::from(shard.0) + taken.len()) % zones.len();
            zones.rotate_left(start);
            let fewest = zones.into_iter().min_by_key(|zone| taken.iter().filter(|other| *other == zone).count());
            fewest.expect("a region has zones")
        }
    }
}

/// Client and bus ports of an instance's blocks that no node has, lowest first.
fn free_ports(desired: &DesiredInstance) -> impl Iterator<Item = (Port, Port)> {
    let free = |block: PortBlock, port: fn(&NodeAllocation) -> Port| {
        let taken: BTreeSet<Port> = desired.nodes.values().map(port).collect();
        block.ports().filter(move |port| !taken.contains(port))
    };
    free(desired.address.nodes, |node| node.port).zip(free(desired.address.bus, |node| node.bus_port))
}

/// A zone that holds two of these nodes while another of the region holds none.
pub(crate) fn crowded_zone(desired: &DesiredInstance, zones: &[&Zone]) -> Option<Zone> {
    let there = Zone::all_of(&desired.name.location).into_iter().filter(|zone| !desired.zones_out.contains(zone));
    let mut counts: BTreeMap<Zone, usize> = there.map(|zone| (zone, 0)).collect();
    for zone in zones {
        *counts.entry((*zone).clone()).or_default() += 1;
    }
    let is_one_free = counts.values().any(|count| *count == 0);
    counts.into_iter().find(|(_, count)| is_one_free && *count > 1).map(|(zone, _)| zone)
}
