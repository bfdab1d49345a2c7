//! Slots that nobody owns any more: a primary that had just received them died before its replicas heard of it.
//!
//! Called last, and only when everything else is calm. Its invariant: a slot is given away only when every node of the
//! instance answers and none of them names an owner for it.

use valkyard_model::{MigrationDirection, MigrationState, PeerHealth, SlotSet, Step};

use crate::cluster::{Cluster, Node, Shard};
use crate::proposal::Proposal;

pub(crate) fn plan_orphans(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    if cluster.holdings().is_some() {
        return;
    }
    let is_settled =
        |shard: &Shard<'_>| shard.is_calm() && !proposal.disturbs(shard) && shard.nodes.iter().all(|n| n.engine().is_some());
    if !cluster.shards.iter().all(is_settled) {
        return;
    }
    let named = cluster.nodes().filter_map(Node::engine).fold(SlotSet::default(), |all, engine| {
        let peers = engine.peers.values().filter(|peer| peer.health != PeerHealth::Failed && peer.replica_of.is_none());
        peers.fold(all.union(&engine.slots), |all, peer| all.union(&peer.slots))
    });
    let orphans = SlotSet::all().without(&named);
    if orphans.is_empty() {
        return;
    }
    let Some((heir, slots)) = choose_heir(cluster, &orphans) else { return };
    if !proposal.is_busy(heir.serial()) {
        proposal.propose(Step::ClaimSlots { node: heir.serial(), slots });
    }
}

/// The shard that some of them were moved to last, as it may have their keys; else the one with the fewest slots.
fn choose_heir<'c, 'a>(cluster: &'c Cluster<'a>, orphans: &SlotSet) -> Option<(&'c Node<'a>, SlotSet)> {
    let moved =
        cluster.nodes().filter_map(Node::engine).flat_map(|engine| &engine.migrations).filter(|migration| {
            migration.state == MigrationState::Succeeded && migration.direction == MigrationDirection::Export
        });
    let newest = moved.filter(|migration| migration.slots.overlaps(orphans)).max_by_key(|migration| migration.updated);
    let known = newest.and_then(|migration| {
        let lead = cluster.shard_of(&migration.peer)?.lead()?;
        Some((lead, migration.slots.shared_with(orphans)))
    });
    known.or_else(|| {
        let leads = cluster.shards.iter().filter(|shard| cluster.stays(shard)).filter_map(Shard::lead);
        let fewest = leads.min_by_key(|lead| lead.engine().map_or(0, |engine| engine.slots.count()))?;
        Some((fewest, orphans.clone()))
    })
}
