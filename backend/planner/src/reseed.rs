//! A shard of a secondary whose data is thrown away and taken from the primary instance anew, because what it has cannot be
//! continued.
//!
//! Called in place of failover, membership, repair and handover for shards that are marked so, durably. The way: every node of
//! the shard ends, the new data is put into the folder of one, that one starts on it as the primary and its keys are counted,
//! the mark goes, and the others come back as its replicas. Its invariant: from the first node that ends until the mark goes,
//! only the new data can be loaded, so that nobody reads a mixture, whenever the daemon dies. Reads of the shard fail meanwhile.

use valkyard_model::{
    ConfigEpoch, DataSource, FaultKind, ImportSource, ImportTarget, JobState, Reseeding, Role, Seen, SlotSet, Step, StepKind,
    WaitingOn,
};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::durability::Crown;
use crate::following::choose_tap;
use crate::proposal::Proposal;
use crate::seed::{cluster_seed, crowning_seed};
use crate::{import, retry, stopping};

/// Whether this shard is being given its data anew.
pub(crate) fn is_under_way(cluster: &Cluster<'_>, shard: &Shard<'_>) -> bool {
    let replication = &cluster.desired.replication;
    match replication.role {
        Role::Secondary { .. } | Role::Leaving => replication.reseeding.contains_key(&shard.index),
        Role::None | Role::Primary { .. } => false,
    }
}

pub(crate) fn plan_shard(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    proposal.wait(WaitingOn::Reseeding(shard.index));
    // It would write into what is being replaced.
    if proposal.observed.replication.links.contains_key(&shard.index) {
        return;
    }
    if let Some(node) = shard.nodes.iter().find(|node| node.life() == Life::Uncertain) {
        proposal.wait(WaitingOn::Certainty(node.serial()));
        return;
    }
    let seeded = shard.nodes.iter().find(|node| is_seeded(cluster, node));
    if seeded.is_none() && !may_begin(cluster, shard, proposal) {
        return;
    }
    let is_other = |node: &&Node<'_>| seeded.is_none_or(|seeded| seeded.serial() != node.serial());
    let leads = |node: &&Node<'_>| node.claims_slots();
    // Replicas first: one whose primary is gone would ask for votes.
    let alive = shard.nodes.iter().filter(is_other).filter(|node| node.life() == Life::Alive);
    if let Some(node) = alive.min_by_key(leads) {
        stopping::plan_stop(node, proposal);
        return;
    }
    match seeded {
        Some(node) => plan_seeded(cluster, shard, node, proposal),
        None => plan_folder(cluster, shard, proposal),
    }
}

/// Whether what the shard has may be given up for what it is to get. What cannot be had is not waited for without data: a
/// detached instance goes on with what is left.
fn may_begin(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) -> bool {
    match cluster.desired.replication.role {
        Role::Secondary { .. } => {
            let is_there = cluster.source.is_some_and(|source| source.is_settled && source.shards.contains_key(&shard.index));
            if !is_there {
                proposal.wait(WaitingOn::SourceToAnswer);
            }
            is_there
        }
        Role::None | Role::Primary { .. } | Role::Leaving => {
            let run = proposal.observed.import.as_ref();
            // Until it has stopped it may still put the data in place.
            if run.is_none_or(|run| run.state != JobState::Running) {
                let mut shards = cluster.desired.replication.reseeding.clone();
                shards.remove(&shard.index);
                set(proposal, shards);
            }
            false
        }
    }
}

/// Whether a node has the new data in its folder.
fn is_seeded(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let discarded = cluster.desired.replication.reseeding.get(&node.allocation.shard);
    import::placed(node).is_some_and(|import| import.point.is_some() && Some(&import.point) != discarded)
}

/// The work of taking the data, for all shards that wait for theirs.
pub(crate) fn plan_seeding(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let Role::Secondary { primary, .. } = &cluster.desired.replication.role else { return };
    let targets: Vec<ImportTarget> =
        cluster.shards.iter().filter(|shard| is_under_way(cluster, shard)).filter_map(|shard| target(cluster, shard)).collect();
    if targets.is_empty() {
        return;
    }
    let run = proposal.observed.import.as_ref();
    match run.map(|run| (&run.state, run.attempts)) {
        Some((JobState::Running, _)) => return,
        Some((JobState::Failed { kind, at, .. }, attempts)) => {
            if let Some(left) = retry::after_work(attempts, *at, proposal.now) {
                proposal.hold(StepKind::BeginImport, None, *kind, left);
                return;
            }
        }
        Some((JobState::Done(()), _)) | None => {}
    }
    proposal.propose(Step::BeginImport { source: ImportSource::Primary(primary.name.clone()), targets });
}

/// Sets the mark of all shards. Once in a plan: of two sets the second would undo the first.
pub(crate) fn set(proposal: &mut Proposal<'_>, shards: Reseeding) {
    if !proposal.steps().iter().any(|step| matches!(step, Step::SetReseeding { .. })) {
        proposal.propose(Step::SetReseeding { shards });
    }
}

/// Where the data of a shard goes, once nobody of it lives and none has it yet.
fn target(cluster: &Cluster<'_>, shard: &Shard<'_>) -> Option<ImportTarget> {
    let is_ready = shard.nodes.iter().all(|node| node.is_dead() && !is_seeded(cluster, node));
    let source = cluster.source.filter(|source| source.is_settled)?.shards.get(&shard.index).filter(|_| is_ready)?;
    let node = heir(cluster, shard).filter(|node| node.seen.files.known().is_some())?;
    Some(ImportTarget { node: node.serial(), slots: source.slots.clone(), tap: Some(choose_tap(source)) })
}

/// Who is to have the data first: a member whose zone is there; whoever had it before, one with a folder, the oldest.
fn heir<'s, 'a>(cluster: &Cluster<'_>, shard: &'s Shard<'a>) -> Option<&'s Node<'a>> {
    let may_start = |node: &&Node<'_>| node.is_current(cluster) && !cluster.desired.zones_out.contains(&node.allocation.zone);
    shard
        .nodes
        .iter()
        .filter(may_start)
        .min_by_key(|node| (import::placed(node).is_none(), node.seen.files.known().is_none(), node.serial()))
}

fn plan_folder(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    let Some(node) = heir(cluster, shard) else { return };
    match &node.seen.files {
        Seen::Known(_) => {}
        Seen::Unknown => proposal.wait(WaitingOn::Certainty(node.serial())),
        Seen::Absent => proposal.propose(Step::PrepareNode {
            node: node.serial(),
            settings: crate::settings::node_settings(cluster.desired, node.allocation),
            seed: cluster_seed(cluster),
            admission: import::first_admission(cluster, shard, node),
        }),
    }
}

fn plan_seeded(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let serial = node.serial();
    if node.life() == Life::Dead {
        match retry::after_start(&node.seen.history, proposal.now) {
            Some(left) => proposal.hold(StepKind::StartProcess, Some(serial), FaultKind::Transient, left),
            None => plan_start(cluster, shard, node, proposal),
        }
        return;
    }
    let Some(engine) = node.engine().filter(|engine| !engine.loading && engine.cluster_ok) else {
        proposal.wait(WaitingOn::NodeToLoad(serial));
        return;
    };
    if import::placed(node).is_some_and(|import| import.is_counted) && node.claims_slots() {
        let mut shards = cluster.desired.replication.reseeding.clone();
        shards.remove(&shard.index);
        set(proposal, shards);
    } else if node.claims_slots() && import::has_loaded_all(node, engine) {
        proposal.propose(Step::ConfirmImport { node: serial });
    }
}

/// It leads the shard with the slots of the source, above every claim that anybody remembers.
fn plan_start(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let serial = node.serial();
    if cluster.desired.zones_out.contains(&node.allocation.zone) {
        proposal.wait(WaitingOn::ZoneToReturn(node.allocation.zone.clone()));
        return;
    }
    let theirs = cluster.source.and_then(|source| source.shards.get(&shard.index)).map(|source| source.slots.clone());
    let Some(slots) = theirs.or_else(|| slots_before(shard)) else {
        proposal.wait(WaitingOn::SourceToAnswer);
        return;
    };
    let remembered = cluster.nodes().filter_map(|node| node.seen.files.known()?.memory.as_ref());
    let remembered = remembered.map(|memory| memory.current_epoch.max(memory.epoch));
    let living = cluster.nodes().filter_map(Node::engine).map(|engine| engine.current_epoch.max(engine.epoch));
    let highest = remembered.chain(living).fold(ConfigEpoch::default(), ConfigEpoch::max);
    // Shards that come back at once get distinct claims.
    let epoch = ConfigEpoch(highest.0 + 1 + u64::from(shard.index.0));
    let crown = Crown { node: serial, slots, epoch };
    proposal.propose(Step::StartProcess {
        node: serial,
        engine: node.allocation.kind.engine_version,
        seed: Some(crowning_seed(cluster, Some(&crown))),
        load: Some(DataSource::Snapshot),
    });
}

/// The slots that the shard had when its last primary ended: the data is verified, and need not wait for a source that is gone.
fn slots_before(shard: &Shard<'_>) -> Option<SlotSet> {
    let remembered = shard.nodes.iter().filter_map(|node| node.seen.files.known()?.memory.as_ref());
    remembered.filter(|memory| !memory.slots.is_empty()).max_by_key(|memory| memory.epoch).map(|memory| memory.slots.clone())
}
