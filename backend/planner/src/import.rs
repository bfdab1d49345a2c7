//! The first data of an instance: put into the folders of its first primaries before they start, then counted.
//!
//! Called for creations only, and once more to clean up. Its invariants: no node of a shard starts before all shards have their
//! part of the data on disk; clients are let in and replicas start when all primaries have loaded what they got; an instance is
//! complete only when every key was counted, and otherwise it is taken down.

use valkyard_model::{
    Admission, ByteSize, DataSource, EngineSeen, Failure, FailureCode, FaultKind, ImportRun, ImportSeen, ImportTarget, JobState,
    NodeSettings, Persistence, Role, SlotSet, Step, StepKind, WaitingOn,
};

use crate::advice;
use crate::cluster::{Cluster, Life, Node, Shard};
use crate::proposal::Proposal;
use crate::settings::node_settings;
use crate::{durability, following, retry};

/// How often the work is begun before a cause that may pass counts as one that stays.
const ATTEMPTS_MAX: u32 = 5;

/// Whether a shard's node may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Shut,
}

pub(crate) fn plan_import(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let run = proposal.observed.import.as_ref();
    let Some(source) = cluster.desired.importing() else {
        let is_wanted = match cluster.desired.replication.role {
            Role::Secondary { .. } => !cluster.desired.replication.reseeding.is_empty(),
            Role::None | Role::Primary { .. } | Role::Leaving => false,
        };
        if !is_wanted {
            stop_if_running(run, proposal);
        }
        plan_cleaning(cluster, proposal);
        return;
    };
    // `reseed` plans the work then, also in a creation.
    if !cluster.desired.replication.reseeding.is_empty() {
        return;
    }
    let Some(targets) = targets(cluster) else {
        wait_for_source(cluster, proposal);
        return;
    };
    if targets.iter().all(|(node, _)| placed(node).is_some()) {
        if is_loaded(cluster) {
            targets.iter().for_each(|(node, _)| plan_confirmation(node, proposal));
        }
        return;
    }
    let (attempts, state) = run.map_or((0, None), |run| (run.attempts, Some(&run.state)));
    match state {
        Some(JobState::Running) => wait(run, proposal),
        // `failure` has given up what cannot succeed.
        Some(JobState::Failed { kind, at, .. }) if retry::after_work(attempts, *at, proposal.now).is_some() => {
            let left = retry::after_work(attempts, *at, proposal.now).unwrap_or_default();
            proposal.hold(StepKind::BeginImport, None, *kind, left);
        }
        Some(JobState::Failed { .. } | JobState::Done(())) | None => {
            wait(run, proposal);
            if targets.iter().all(|(node, _)| node.is_dead()) {
                let targets = targets.iter().map(|(node, slots)| import_target(cluster, node, slots));
                proposal.propose(Step::BeginImport { source: source.clone(), targets: targets.collect() });
            }
        }
    }
}

/// Ends the work for an instance that is on its way out. Returns whether it still goes on.
pub(crate) fn plan_end(proposal: &mut Proposal<'_>) -> bool {
    stop_if_running(proposal.observed.import.as_ref(), proposal)
}

fn stop_if_running(run: Option<&ImportRun>, proposal: &mut Proposal<'_>) -> bool {
    let is_running = run.is_some_and(|run| run.state == JobState::Running);
    if is_running {
        proposal.propose(Step::StopImport);
        proposal.wait(WaitingOn::WorkToStop);
    }
    is_running
}

fn wait(run: Option<&ImportRun>, proposal: &mut Proposal<'_>) {
    let (bytes, bytes_total) = run.map_or((0, 0), |run| (run.bytes, run.bytes_total));
    proposal.wait(WaitingOn::DataToImport { bytes, bytes_total });
}

/// The first primary of each shard with its slots; nothing until each has a folder.
fn targets<'c, 'a>(cluster: &'c Cluster<'a>) -> Option<Vec<(&'c Node<'a>, SlotSet)>> {
    let target = |(index, share): (usize, SlotSet)| {
        let shard = cluster.shards.iter().find(|shard| usize::from(shard.index.0) == index)?;
        let node = shard.initial_primary().filter(|node| node.seen.files.known().is_some())?;
        Some((node, share))
    };
    cluster.first_shares()?.into_iter().enumerate().map(target).collect()
}

/// Data from a primary instance comes from one node of each of its shards.
fn import_target(cluster: &Cluster<'_>, node: &Node<'_>, slots: &SlotSet) -> ImportTarget {
    let source = cluster.source.and_then(|source| source.shards.get(&node.allocation.shard));
    let tap = source.map(following::choose_tap);
    ImportTarget { node: node.serial(), slots: slots.clone(), tap }
}

fn wait_for_source(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    if cluster.first_shares().is_none() {
        proposal.wait(WaitingOn::SourceToAnswer);
    }
}

pub(crate) fn placed<'a>(node: &Node<'a>) -> Option<&'a ImportSeen> {
    node.seen.files.known()?.import.as_ref()
}

/// Whether an engine took as many keys as its file has.
pub(crate) fn has_loaded_all(node: &Node<'_>, engine: &EngineSeen) -> bool {
    placed(node).is_some_and(|import| loaded(engine) == import.keys)
}

/// Has a node told again which point of the primary instance's history it shows, after it began once more on its first data. It
/// carried none, so nothing was written to it since.
pub(crate) fn plan_pointing(cluster: &Cluster<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let is_pointed = cluster.desired.importing().is_some() && placed(node).is_some_and(|import| import.point.is_some());
    let Some(engine) = node.engine().filter(|engine| is_pointed && has_loaded_all(node, engine)) else { return };
    if !engine.loading && !proposal.is_busy(node.serial()) {
        proposal.propose(Step::ConfirmImport { node: node.serial() });
    }
}

/// Keys that the engine took from its file, and those that had expired.
fn loaded(engine: &EngineSeen) -> u64 {
    engine.persistence.loaded.keys + engine.persistence.loaded.keys_expired
}

fn has_loaded(node: &Node<'_>) -> bool {
    placed(node).is_some_and(|import| {
        let engine = node.engine().filter(|engine| !engine.loading);
        import.is_counted || engine.is_some_and(|engine| loaded(engine) == import.keys && can_be_confirmed(engine, import))
    })
}

/// Whether every first primary has loaded all the keys that it got.
pub(crate) fn is_loaded(cluster: &Cluster<'_>) -> bool {
    cluster.shards.iter().all(|shard| shard.initial_primary().is_some_and(has_loaded))
}

fn plan_confirmation(node: &Node<'_>, proposal: &mut Proposal<'_>) {
    if placed(node).is_some_and(|import| !import.is_counted) && !proposal.is_busy(node.serial()) {
        proposal.propose(Step::ConfirmImport { node: node.serial() });
    }
}

/// A point is written into the node, which accepts no writes before its cluster is ok.
fn can_be_confirmed(engine: &EngineSeen, import: &ImportSeen) -> bool {
    import.point.is_none() || engine.cluster_ok
}

/// Holds a dead node back until its turn to start has come. Returns whether it does.
pub(crate) fn holds_back(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) -> bool {
    match gate(cluster, shard, node) {
        Gate::Open => false,
        Gate::Shut => {
            wait(proposal.observed.import.as_ref(), proposal);
            true
        }
    }
}

fn gate(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>) -> Gate {
    if cluster.desired.importing().is_none() {
        return Gate::Open;
    }
    let is_target = shard.initial_primary().is_some_and(|first| first.serial() == node.serial());
    let is_open = if is_target {
        targets(cluster).is_some_and(|targets| targets.iter().all(|(node, _)| placed(node).is_some()))
    } else {
        shard.initial_primary().and_then(placed).is_some_and(|import| import.is_counted)
    };
    if is_open { Gate::Open } else { Gate::Shut }
}

/// Whether a node comes back with the first data of an instance that is not complete yet: what others copied from it before is
/// no more than that.
pub(crate) fn brings_data(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    cluster.desired.importing().is_some() && placed(node).is_some()
}

fn is_being_reseeded(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    cluster.desired.replication.reseeding.contains_key(&node.allocation.shard)
}

/// Whether a node has data that was not counted yet: nothing about it is to change until then.
pub(crate) fn is_uncounted(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let is_awaited = cluster.desired.importing().is_some() || is_being_reseeded(cluster, node);
    is_awaited && placed(node).is_some_and(|import| !import.is_counted)
}

/// Whether every key of the first data was counted.
pub(crate) fn is_counted(cluster: &Cluster<'_>) -> bool {
    let is_counted = |shard: &Shard<'_>| shard.initial_primary().and_then(placed).is_some_and(|import| import.is_counted);
    cluster.desired.importing().is_none() || cluster.shards.iter().all(is_counted)
}

/// The settings of a new node. One that gets first data may hold any amount of it until it was counted: an engine that is full
/// throws keys away.
pub(crate) fn first_settings(cluster: &Cluster<'_>, node: &Node<'_>) -> NodeSettings {
    let settings = node_settings(cluster.desired, node.allocation);
    if cluster.desired.importing().is_some() { NodeSettings { maxmemory: ByteSize(0), ..settings } } else { settings }
}

/// Who may use a new node: nobody but the daemon one that gets first data. Replicas get theirs when it is confirmed.
pub(crate) fn first_admission(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>) -> Admission {
    let is_target = shard.initial_primary().is_some_and(|first| first.serial() == node.serial());
    if cluster.desired.importing().is_some() && is_target { Admission::DaemonOnly } else { Admission::Clients }
}

/// Why the first data will not be in.
pub(crate) fn failure(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    cluster.desired.importing()?;
    failed_run(proposal).or_else(|| cluster.shards.iter().find_map(|shard| bad_load(cluster, shard)))
}

fn failed_run(proposal: &Proposal<'_>) -> Option<Failure> {
    let run = proposal.observed.import.as_ref()?;
    let JobState::Failed { kind, detail, .. } = &run.state else { return None };
    let (code, advice) = match kind {
        FaultKind::DiskFull => (FailureCode::ResourceExhausted, advice::MAKE_ROOM),
        FaultKind::PermissionDenied => {
            (FailureCode::FailedPrecondition, "make the files readable for the daemon, or correct the store's credentials")
        }
        FaultKind::BadData => (FailureCode::FailedPrecondition, "choose other files"),
        FaultKind::AddressInUse | FaultKind::EngineMissing | FaultKind::Transient if run.attempts >= ATTEMPTS_MAX => {
            (FailureCode::FailedPrecondition, "remove the cause")
        }
        FaultKind::AddressInUse | FaultKind::EngineMissing | FaultKind::Transient => return None,
    };
    let times = if run.attempts > 1 { format!(" ({} attempts)", run.attempts) } else { String::new() };
    Some(Failure {
        code,
        message: format!("failed to import the data{times}: {detail}; {advice}, then create the instance again"),
    })
}

/// A node that loaded less than it was given, or more than it has room for, or that lost its place to another.
fn bad_load(cluster: &Cluster<'_>, shard: &Shard<'_>) -> Option<Failure> {
    let node = shard.initial_primary()?;
    if let Some(other) = shard.primary().filter(|primary| primary.serial() != node.serial()) {
        let message = format!(
            "node {} took shard {} over before its data was complete; create the instance again",
            other.serial(),
            shard.index
        );
        return Some(Failure { code: FailureCode::Aborted, message });
    }
    let import = placed(node).filter(|import| !import.is_counted)?;
    let engine = node.engine().filter(|engine| !engine.loading)?;
    if loaded(engine) != import.keys {
        let message = format!(
            "node {} loaded {} of {} keys of the imported data; look into its log, then create the instance again",
            node.serial(),
            loaded(engine),
            import.keys
        );
        return Some(Failure { code: FailureCode::Internal, message });
    }
    let room = cluster.desired.maxmemory.usable();
    (engine.data > room).then(|| {
        let message = format!(
            "the imported data takes {} MiB in shard {}, and a node of {} has room for {} MiB (scaled to this machine); choose more \
             shards or a larger node type",
            engine.data.0 >> 20,
            shard.index,
            cluster.desired.spec.node_type,
            room.0 >> 20
        );
        Failure { code: FailureCode::FailedPrecondition, message }
    })
}

/// What is left of first data once the instance is complete: the note about it, and the file where it is not kept as a snapshot.
fn plan_cleaning(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let is_left = |node: &&Node<'_>| placed(node).is_some() && node.life() == Life::Alive && !is_being_reseeded(cluster, node);
    for node in cluster.nodes().filter(is_left) {
        let surplus = match cluster.desired.spec.persistence {
            Persistence::Rdb(_) => Vec::new(),
            Persistence::Aof { .. } if !durability::is_on_disk(cluster, node) => continue,
            Persistence::Disabled | Persistence::Aof { .. } => vec![DataSource::Snapshot],
        };
        if !proposal.is_busy(node.serial()) {
            proposal.propose(Step::ForgetImport { node: node.serial(), surplus });
        }
    }
}
