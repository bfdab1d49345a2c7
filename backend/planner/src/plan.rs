//! The entry: one plan from one look. Called by the reconciler each turn.
//!
//! Only dispatches by lifecycle; each rule is in the module named after it.

use valkyard_model::{Condition, Convergence, DesiredInstance, Lifecycle, Observation, Plan, Step, Timestamp};

use crate::cluster::{Cluster, Shard};
use crate::proposal::Proposal;
use crate::{convergence, discovery, failover, give_up, layout, membership, repair, teardown, timing};

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
    let desired = cluster.desired;
    if desired.convergence == Convergence::Never
        && !convergence::is_complete(cluster)
        && let Some(failure) = give_up::decide_failure(cluster, proposal)
    {
        proposal.propose(Step::AbandonCreate { failure });
        return;
    }
    let missing = layout::missing_nodes(desired);
    if !missing.is_empty() {
        proposal.propose(Step::AllocateNodes { nodes: missing });
    }
    for shard in &cluster.shards {
        failover::plan_failover(shard, proposal);
        membership::plan_nodes(cluster, shard, proposal);
        repair::plan_repairs(cluster, shard, proposal);
        note_conditions(desired, shard, proposal);
    }
    discovery::plan_discovery(cluster, proposal);
    convergence::plan_convergence(cluster, proposal);
}

/// A shard in creation is incomplete by nature; its operation tells more than a condition would.
fn note_conditions(desired: &DesiredInstance, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    if desired.convergence == Convergence::Never {
        return;
    }
    let serving = shard.primary().filter(|primary| primary.engine().is_some_and(|engine| engine.cluster_ok));
    match serving {
        None => proposal.note(Condition::ShardDown(shard.index)),
        Some(primary) => {
            let copies = shard.siblings(primary).filter(|sibling| sibling.copies(primary.id())).count();
            if copies < usize::from(desired.spec.replica_count) {
                proposal.note(Condition::ShardDegraded(shard.index));
            }
        }
    }
    if shard.is_dead() {
        proposal.note(Condition::DataLost(shard.index));
    }
}
