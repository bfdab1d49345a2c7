//! Data on disk: which node of a shard without a living copy comes back first, with what, and whether a node's data is on
//! disk at all.
//!
//! Read by everything that starts nodes, judges losses or lets nodes go. Its invariant: while the folder of a shard's node
//! holds data and no copy lives, no other node of the shard begins empty in its place, and one that begins beside a living
//! primary gives its own data up only when the primary's is on disk.

use std::cmp::Reverse;
use std::time::Duration;

use valkyard_model::{
    Condition, ConfigEpoch, Convergence, DataSource, DesiredInstance, Failure, FailureCode, NodeSerial, Persistence, Seen,
    SlotSet, Timestamp, WaitingOn,
};

use crate::cluster::{Cluster, Life, Node, Shard};
use crate::failover::has_synced;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// How long a node may fail to write its data before a change of persistence is given up: several attempts of the engine, and of
/// snapshots with their backoff.
const WRITING_PATIENCE: Duration = Duration::from_secs(60);

/// Whether what is in folders counts. While the mode changes, either side of the change may have written it; a new instance
/// may have been given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persists {
    Nothing,
    Data,
}

impl Persists {
    pub(crate) fn of(desired: &DesiredInstance) -> Self {
        let was_on = desired.settled.as_ref().is_some_and(|settled| settled.spec.persistence.is_on());
        if desired.spec.persistence.is_on() || was_on || desired.importing().is_some() { Self::Data } else { Self::Nothing }
    }
}

/// How a shard of which nobody lives comes back.
#[derive(Clone, Debug)]
pub(crate) struct Revival<'s, 'a> {
    /// Who comes back first.
    pub(crate) first: &'s Node<'a>,
    /// The time of its copy, where newer writes are lost.
    pub(crate) restored_to: Option<Timestamp>,
    /// What makes it the primary, where its folder remembers another one.
    pub(crate) crown: Option<Crown>,
}

/// Slots for a node that did not own them, at an epoch above all that anybody remembers.
#[derive(Clone, Debug)]
pub(crate) struct Crown {
    pub(crate) node: NodeSerial,
    pub(crate) slots: SlotSet,
    pub(crate) epoch: ConfigEpoch,
}

/// Who brings a shard's data back from disk; nothing while a copy lives, and where nothing is on disk.
///
/// The node that led the shard last, as the folders of all its nodes and everybody living remember, has everything. Another
/// one's data is as good as a copy of its time: it comes next when the leader's is gone or unreadable.
pub(crate) fn revival<'s, 'a>(cluster: &Cluster<'_>, shard: &'s Shard<'a>) -> Option<Revival<'s, 'a>> {
    let is_void = |node: &Node<'_>| node.is_dead() || (node.life() == Life::Alive && !may_hold_more(shard, node));
    if cluster.desired.convergence == Convergence::Never || shard.owns_nothing || shard.primary().is_some() {
        return None;
    }
    if !shard.nodes.iter().all(is_void) {
        return None;
    }
    let claim = last_claim(shard);
    let leads = |node: &Node<'_>| claim.as_ref().is_some_and(|claim| claim.node == node.serial());
    let holders = shard.nodes.iter().filter_map(|node| Some((node, node.data?))).filter(|(node, _)| node.is_dead());
    let holders = holders.filter(|(node, _)| node.is_member());
    let rank = |(node, (_, at)): &(&Node<'_>, (DataSource, Timestamp))| {
        (node.unreadable().is_none(), leads(node), *at, Reverse(node.serial()))
    };
    let (first, (source, at)) = holders.max_by_key(rank)?;
    let has_all = leads(first) && source == DataSource::Log;
    let crown = claim.as_ref().filter(|_| !leads(first)).map(|claim| {
        let known = shard.nodes.iter().filter_map(memory).map(|memory| memory.current_epoch.max(memory.epoch));
        let living = cluster.nodes().filter_map(Node::engine).map(|engine| engine.current_epoch.max(engine.epoch));
        let highest = known.chain(living).fold(claim.epoch, ConfigEpoch::max);
        Crown { node: first.serial(), slots: claim.slots.clone(), epoch: ConfigEpoch(highest.0 + 1) }
    });
    Some(Revival { first, restored_to: (!has_all).then_some(at), crown })
}

/// Whether a living node may hold what nobody has on disk.
pub(crate) fn may_hold_more(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    let Some(engine) = node.engine() else { return true };
    let follows_dead = shard.siblings(node).any(|other| other.is_dead() && node.follows(other));
    let is_hollow = node.is_empty_primary() && engine.keys == 0;
    !(is_hollow || (follows_dead && !has_synced(node)))
}

struct LastClaim {
    node: NodeSerial,
    epoch: ConfigEpoch,
    slots: SlotSet,
}

/// The strongest claim to a dead shard's slots that any folder, or anybody living, remembers.
fn last_claim(shard: &Shard<'_>) -> Option<LastClaim> {
    let told = shard.claim.and_then(|claim| {
        let slots = claim.slots?.clone();
        Some(LastClaim { node: claim.node, epoch: claim.epoch, slots })
    });
    let remembered = shard.nodes.iter().filter_map(|node| {
        let memory = memory(node).filter(|memory| !memory.is_replica && !memory.slots.is_empty())?;
        Some(LastClaim { node: node.serial(), epoch: memory.epoch, slots: memory.slots.clone() })
    });
    told.into_iter().chain(remembered).max_by_key(|claim| (claim.epoch, Reverse(claim.node)))
}

fn memory<'a>(node: &Node<'a>) -> Option<&'a valkyard_model::ClusterMemory> {
    node.seen.files.known()?.memory.as_ref()
}

/// A dead node of the shard whose folder cannot be looked into, where it matters.
pub(crate) fn unseen_folder<'s, 'a>(cluster: &Cluster<'_>, shard: &'s Shard<'a>) -> Option<&'s Node<'a>> {
    let matters = Persists::of(cluster.desired) == Persists::Data && shard.primary().is_none() && !shard.owns_nothing;
    shard.nodes.iter().find(|node| matters && node.is_dead() && node.seen.files == Seen::Unknown)
}

/// What a dead node begins with.
pub(crate) fn load(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>) -> Option<DataSource> {
    let own = node.data.map(|(source, _)| source);
    if cluster.desired.convergence == Convergence::Never {
        return own;
    }
    match shard.lead() {
        None => own,
        Some(_) if shard.owns_nothing || node.unreadable().is_some() => None,
        Some(lead) if is_on_disk(cluster, lead) => None,
        Some(_) => own,
    }
}

/// Whether what a living node holds is on its disk as its mode wants it.
pub(crate) fn is_on_disk(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let (Some(engine), Some(files)) = (node.engine(), node.seen.files.known()) else { return false };
    let seen = engine.persistence;
    match cluster.desired.spec.persistence {
        Persistence::Disabled => true,
        Persistence::Rdb(_) => files.data.snapshot.is_some(),
        Persistence::Aof { .. } => seen.is_logging && !seen.is_rewriting && seen.rewrite_ok && files.data.log.is_some(),
    }
}

/// Data that is not written any more with this persistence. What is kept instead is complete when it is set, but for a log of
/// writes, which its engine only begins: until that is complete the snapshot stays. So does first data until the instance is
/// complete.
pub(crate) fn surplus(cluster: &Cluster<'_>, persistence: Persistence) -> Vec<DataSource> {
    match persistence {
        Persistence::Disabled if cluster.desired.importing().is_none() => vec![DataSource::Log, DataSource::Snapshot],
        Persistence::Rdb(_) => vec![DataSource::Log],
        Persistence::Disabled | Persistence::Aof { .. } => Vec::new(),
    }
}

/// Why a change of persistence cannot succeed any more: a node has failed to write its data for long.
pub(crate) fn unwritable(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    let desired = cluster.desired;
    let settled = desired.settled.as_ref()?;
    let is_overdue = elapsed(desired.update_time.max(proposal.observed.first_look), proposal.now) > WRITING_PATIENCE;
    if settled.spec.persistence == desired.spec.persistence || !is_overdue {
        return None;
    }
    let node = cluster.nodes().find(|node| is_failing(cluster, node))?.serial();
    let message = format!(
        "node {node} cannot write its data to the disk; its log says why: free disk space or make it writable, then apply the \
         change again"
    );
    Some(Failure { code: FailureCode::ResourceExhausted, message })
}

/// Whether a living node fails to write what its mode wants.
fn is_failing(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    node.engine().is_some_and(|engine| !engine.persistence.is_ok_for(cluster.desired.spec.persistence))
}

impl Node<'_> {
    /// Why its engine could not read its data, if that ended it.
    pub(crate) fn unreadable(&self) -> Option<&str> {
        let exit = self.seen.history.last_exit.as_ref().filter(|_| self.is_dead())?;
        exit.unreadable.as_deref()
    }
}

/// What a person should know of the data on disk.
pub(crate) fn note_conditions(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    if Persists::of(cluster.desired) == Persists::Nothing {
        return;
    }
    for node in cluster.nodes().filter(|node| node.is_member()) {
        let serial = node.serial();
        if let Some(words) = node.unreadable() {
            proposal.note(Condition::DataUnreadable(serial, words.to_owned()));
        }
        if let Some(words) = &node.seen.history.torn_log {
            proposal.note(Condition::LogTorn(serial, words.clone()));
        }
        if is_failing(cluster, node) {
            proposal.note(Condition::NotSaved(serial));
        }
    }
}

/// Holds a dead node back while another one of its shard brings the data back, or nobody can. Returns whether it does.
pub(crate) fn waits_for_data(cluster: &Cluster<'_>, shard: &Shard<'_>, node: &Node<'_>, proposal: &mut Proposal<'_>) -> bool {
    if let Some(unseen) = unseen_folder(cluster, shard) {
        proposal.wait(WaitingOn::Certainty(unseen.serial()));
        return true;
    }
    let loading = shard.primary().filter(|primary| primary.engine().is_some_and(|engine| engine.loading));
    if let Some(primary) = loading.filter(|_| Persists::of(cluster.desired) == Persists::Data) {
        proposal.wait(WaitingOn::NodeToLoad(primary.serial()));
        return true;
    }
    let Some(revival) = revival(cluster, shard) else { return false };
    if revival.first.unreadable().is_some() {
        proposal.wait(WaitingOn::DataToBeReadable(revival.first.serial()));
    } else if revival.first.serial() != node.serial() {
        proposal.wait(WaitingOn::DataToLoad(revival.first.serial()));
    }
    revival.first.serial() != node.serial()
}
