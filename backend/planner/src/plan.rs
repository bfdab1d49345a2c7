//! The entry: one plan from one look. Called by the reconciler each turn.
//!
//! Only dispatches by lifecycle; each rule is in the module named after it.

use valkyard_model::{Condition, Convergence, DesiredInstance, Lifecycle, Observation, Plan, Step, Timestamp};

use crate::change::Change;
use crate::cluster::{Cluster, Shard};
use crate::proposal::Proposal;
use crate::{
    backup, configuration, convergence, detector, discovery, durability, failover, following, give_up, handover, import, layout,
    membership, moves, orphans, repair, reseed, retirement, snapshots, teardown, timing,
};

/// What may be done now for this instance, and why nothing more.
#[must_use]
pub fn plan(desired: &DesiredInstance, observed: &Observation, now: Timestamp) -> Plan {
    let cluster = Cluster::of(desired, observed);
    let mut proposal = Proposal::new(observed, now);
    match &desired.lifecycle {
        Lifecycle::Present => plan_present(&cluster, &mut proposal),
        Lifecycle::Deleting | Lifecycle::Abandoned { .. } => teardown::plan_teardown(&cluster, &mut proposal),
    }
    let look_again_in = timing::look_again_in(desired, &proposal);
    proposal.finish(look_again_in)
}

fn plan_present(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let change = Change::of(cluster);
    if let Some(way_back) = give_up::decide_way_back(cluster, change, proposal) {
        proposal.propose(way_back);
        return;
    }
    let missing = layout::missing_nodes(cluster, change);
    if !missing.is_empty() {
        proposal.propose(Step::AllocateNodes { nodes: missing });
    }
    for shard in &cluster.shards {
        if reseed::is_under_way(cluster, shard) {
            reseed::plan_shard(cluster, shard, proposal);
            continue;
        }
        failover::plan_failover(cluster, shard, proposal);
        detector::plan_end_of_silence(shard, proposal);
        membership::plan_nodes(cluster, shard, proposal);
        repair::plan_repairs(cluster, shard, proposal);
        handover::plan_handover(cluster, change, shard, proposal);
        note_conditions(cluster, shard, proposal);
    }
    durability::note_conditions(cluster, proposal);
    import::plan_import(cluster, proposal);
    reseed::plan_seeding(cluster, proposal);
    configuration::plan_configuration(cluster, proposal);
    moves::plan_moves(cluster, change, proposal);
    snapshots::plan_snapshots(cluster, proposal);
    retirement::plan_retirement(cluster, change, proposal);
    retirement::plan_forgetting(cluster, proposal);
    orphans::plan_orphans(cluster, proposal);
    following::plan_links(cluster, proposal);
    discovery::plan_discovery(cluster, proposal);
    convergence::plan_convergence(cluster, change, proposal);
    // What an instance waits for with its backup does not keep it from being complete.
    backup::plan_backup(cluster, proposal);
    // Those who leave take their time; nobody waits for the last of them.
    retirement::plan_leaving(cluster, proposal);
}

/// A shard in creation is incomplete by nature; its operation tells more than a condition would.
fn note_conditions(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    let desired = cluster.desired;
    if desired.convergence == Convergence::Never {
        return;
    }
    // Of a change only what held before it and holds after it can be missing.
    let before = desired.settled.as_ref().map(|settled| &settled.spec).filter(|before| shard.index.0 < before.shard_count);
    let Some(before) = before.filter(|_| shard.index.0 < desired.spec.shard_count) else { return };
    let replicas = usize::from(before.replica_count.min(desired.spec.replica_count));
    let serving = shard.primary().filter(|primary| primary.engine().is_some_and(|engine| engine.cluster_ok));
    match serving {
        None => proposal.note(Condition::ShardDown(shard.index)),
        Some(primary) => {
            let copies = shard.siblings(primary).filter(|sibling| sibling.copies(primary.id())).count();
            if copies < replicas {
                proposal.note(Condition::ShardDegraded(shard.index));
            }
        }
    }
    if shard.is_dead() && durability::revival(cluster, shard).is_none() {
        proposal.note(Condition::DataLost(shard.index));
    }
}
