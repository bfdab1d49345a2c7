//! Slots that nobody owns any more: a primary that had just received them died before its replicas heard of it.
//!
//! Called last, and only when everything else is calm. Its invariant: a slot is given away only when every node of the
//! instance answers or is certainly dead, none owns it by its own word, and it did not just move. What nodes say of each other does not
//! count here: they show a slot at its last known owner, though that one denies it.

use std::time::Duration;

use valkyard_model::{MigrationDirection, MigrationState, SlotSet, Step};

use crate::cluster::{Cluster, Node, Shard};
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// How long a movement may have ended in observations that are not of one moment. Engines tell whole seconds.
const MOVEMENT_SETTLES: Duration = Duration::from_secs(3);

pub(crate) fn plan_orphans(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    if cluster.holdings().is_some() {
        return;
    }
    let is_settled = |shard: &Shard<'_>| {
        shard.is_calm() && !proposal.disturbs(shard) && shard.nodes.iter().all(|node| node.is_dead() || node.engine().is_some())
    };
    if !cluster.shards.iter().all(is_settled) {
        return;
    }
    let owned = cluster.nodes().filter_map(Node::engine).fold(SlotSet::default(), |all, engine| all.union(&engine.slots));
    let orphans = SlotSet::all().without(&owned);
    if orphans.is_empty() || is_in_flux(cluster, &orphans, proposal) {
        return;
    }
    let Some((heir, slots)) = choose_heir(cluster, &orphans) else { return };
    if !proposal.is_busy(heir.serial()) {
        proposal.propose(Step::ClaimSlots { node: heir.serial(), slots });
    }
}

/// Whether some of them moved a moment ago: their old owner may have been asked after it gave them, the new one before.
fn is_in_flux(cluster: &Cluster<'_>, orphans: &SlotSet, proposal: &Proposal<'_>) -> bool {
    let migrations = cluster.nodes().filter_map(Node::engine).flat_map(|engine| &engine.migrations);
    migrations.filter(|migration| migration.slots.overlaps(orphans)).any(|migration| match migration.state {
        MigrationState::Running => true,
        MigrationState::Succeeded | MigrationState::Failed => elapsed(migration.updated, proposal.now) < MOVEMENT_SETTLES,
    })
}

/// The shard that some of them were moved to last, as it may have their keys; else one that others still name; else the one
/// with the fewest slots.
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
    let named = || {
        let names = |node: &Node<'_>, lead: &Node<'_>| {
            let peer = node.engine().and_then(|engine| engine.peers.get(lead.id()));
            peer.map(|peer| peer.slots.shared_with(orphans)).filter(|slots| !slots.is_empty())
        };
        let leads = || cluster.shards.iter().filter(|shard| cluster.stays(shard)).filter_map(Shard::lead);
        cluster.nodes().find_map(|node| leads().find_map(|lead| Some((lead, names(node, lead)?))))
    };
    known.or_else(named).or_else(|| {
        let leads = cluster.shards.iter().filter(|shard| cluster.stays(shard)).filter_map(Shard::lead);
        let fewest = leads.min_by_key(|lead| lead.engine().map_or(0, |engine| engine.slots.count()))?;
        Some((fewest, orphans.clone()))
    })
}
