//! A primary instance and one of its secondaries change places.
//!
//! Called in place of, or beside, the planning of links while a switchover is under way. The way: the primary takes no writes any
//! more; every secondary takes what is left of its history; the roles change in one transaction; the new primary says which
//! points of its own history mean the same data, and takes writes; the others have their nodes carry these points and follow from
//! there, without a copy. Its invariants: two instances never take writes at the same time, as long as their nodes can be told;
//! and a node gets a point only if its data has everything up to the end of the old history.

use std::time::Duration;

use valkyard_model::{
    Drained, Failure, FailureCode, LinkSeen, Member, Points, PossibleLoss, ReplicationPoint, RoleSeen, Seen, Step, StreamState,
    Switchover, SwitchoverStep, Timestamp, WaitingOn,
};

use crate::cluster::{Cluster, Node, Shard};
use crate::following;
use crate::import;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// How long clients of the primary wait at most for nothing: above the time after which a silent node is ended (10 s), so that
/// one hung node does not decide.
const DRAIN_MAX: Duration = Duration::from_secs(15);
/// How long those that have everything wait for another secondary, which is copied anew if it does not come.
const OTHERS_MAX: Duration = Duration::from_secs(3);
/// How long the shards that serve wait for one that does not, whose copies elsewhere are then made anew.
const OPENING_MAX: Duration = Duration::from_secs(3);

/// What is under way on a member that stays or becomes a primary.
pub(crate) fn plan_primary(cluster: &Cluster<'_>, stage: &Switchover, proposal: &mut Proposal<'_>) {
    match stage {
        Switchover::Draining { .. } => proposal.wait(WaitingOn::Switchover),
        Switchover::Opening { ended, since } => plan_opening(cluster, ended, *since, proposal),
        Switchover::Clearing => plan_clearing(cluster, proposal),
        // Stages of others.
        Switchover::AwaitingPoints { .. } | Switchover::TakingOver { .. } => {}
    }
}

/// A secondary takes what is left; the one that is to be the primary decides when the roles change.
pub(crate) fn plan_draining(cluster: &Cluster<'_>, draining: &Draining<'_>, proposal: &mut Proposal<'_>) {
    proposal.wait(WaitingOn::Switchover);
    let uid = cluster.desired.uid;
    let waited = elapsed(draining.since.max(proposal.observed.first_look), proposal.now);
    let Some(own) = draining.drained.iter().find(|drained| drained.uid == uid) else {
        match end_of_source(cluster, proposal) {
            Some(ended) => propose(proposal, SwitchoverStep::RecordDrained { ended }),
            None if draining.to.uid == uid && waited >= DRAIN_MAX => plan_impatience(cluster, proposal),
            None => {}
        }
        return;
    };
    if draining.to.uid != uid {
        return;
    }
    let has_drained = |member: &Member| draining.drained.iter().any(|drained| drained.uid == member.uid);
    let are_all_ready = cluster.desired.replication.role.secondaries().iter().all(has_drained) && are_copies_level(cluster);
    if are_all_ready || waited >= OTHERS_MAX {
        propose(proposal, SwitchoverStep::TurnOver { ended: own.ended.clone(), possible_loss: None });
    }
}

/// The stage in which the primary has nothing more to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draining<'s> {
    to: &'s Member,
    since: Timestamp,
    drained: &'s [Drained],
}

impl<'s> Draining<'s> {
    pub(crate) fn of(stage: &'s Switchover) -> Option<Self> {
        match stage {
            Switchover::Draining { to, since, drained } => Some(Self { to, since: *since, drained }),
            Switchover::Opening { .. }
            | Switchover::Clearing
            | Switchover::AwaitingPoints { .. }
            | Switchover::TakingOver { .. } => None,
        }
    }
}

fn propose(proposal: &mut Proposal<'_>, step: SwitchoverStep) {
    proposal.propose(Step::SwitchOver(step));
}

/// Where the history of every shard of the primary ended, once it is here.
pub(crate) fn end_of_source(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Points> {
    let source = cluster.source.filter(|source| source.is_closed && source.is_settled)?;
    let end = |shard: &Shard<'_>| {
        let theirs = source.shards.get(&shard.index)?;
        let target = shard.primary()?;
        let has_same_slots = target.engine().is_some_and(|engine| engine.slots == theirs.slots);
        let flows = |link: &&LinkSeen| {
            link.state == StreamState::Streaming && link.source == theirs.primary && link.target == target.serial()
        };
        let link = proposal.observed.replication.links.get(&shard.index).filter(flows)?;
        let applied = link.applied.as_ref().filter(|applied| has_same_slots && applied.offset >= theirs.offset)?;
        let replication_id = applied.replication_id.clone();
        Some((shard.index, ReplicationPoint { replication_id, offset: theirs.offset }))
    };
    cluster.shards.iter().filter(|shard| !shard.owns_nothing).map(end).collect()
}

/// Whether every replica in sync has what its primary has, so that a death just now loses nothing.
fn are_copies_level(cluster: &Cluster<'_>) -> bool {
    cluster.shards.iter().all(|shard| {
        let Some(primary) = shard.primary() else { return false };
        let Some(leader) = primary.engine() else { return false };
        let copies = shard.siblings(primary).filter(|node| node.copies(primary.id()));
        copies.filter_map(Node::engine).all(|copy| copy.replication_offset >= leader.replication_offset)
    })
}

/// It took too long: without the primary if that is gone, else not at all.
fn plan_impatience(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let serves = |shard: &Shard<'_>| {
        shard.owns_nothing || shard.primary().and_then(Node::engine).is_some_and(|engine| engine.cluster_ok && !engine.loading)
    };
    let primary = || cluster.desired.replication.role.primary().map(|member| member.name.to_string()).unwrap_or_default();
    let why = if !cluster.shards.iter().all(serves) {
        "a shard of it does not serve itself".to_owned()
    } else if cluster.source.is_some_and(|source| source.is_settled) {
        let PossibleLoss { bytes, .. } = possible_loss(cluster, proposal);
        format!("it did not get everything that '{}' has: {bytes} bytes were missing", primary())
    } else {
        let possible_loss = Some(possible_loss(cluster, proposal));
        propose(proposal, SwitchoverStep::TurnOver { ended: Points::new(), possible_loss });
        return;
    };
    let message = format!(
        "the secondary instance could not become the primary within {} s: {why}; roles are as before and '{}' takes writes again; \
         look at the replication's status, then ask again",
        DRAIN_MAX.as_secs(),
        primary()
    );
    propose(proposal, SwitchoverStep::GiveUp { failure: Failure { code: FailureCode::FailedPrecondition, message } });
}

fn possible_loss(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> PossibleLoss {
    let links = &proposal.observed.replication.links;
    let synced = cluster.shards.iter().map(|shard| links.get(&shard.index).and_then(|link| link.synced_at));
    PossibleLoss {
        bytes: links.values().filter_map(|link| link.lag_bytes).sum(),
        lag: links.values().filter_map(|link| link.lag).max().unwrap_or_default(),
        synced_at: synced.collect::<Option<Vec<_>>>().and_then(|moments| moments.into_iter().min()),
    }
}

/// What is to be done for a shard before its part is over.
enum Part<T> {
    Ready(T),
    /// It is not the data that it would have to be.
    Hopeless,
    Pending,
}

/// No link writes any more, nobody else does: whatever point of its history a node is at means the old primary's data.
fn plan_opening(cluster: &Cluster<'_>, ended: &Points, since: Timestamp, proposal: &mut Proposal<'_>) {
    proposal.wait(WaitingOn::Switchover);
    if following::end_all(proposal) {
        return;
    }
    let mut points = Points::new();
    let mut is_pending = false;
    for (index, end) in ended {
        let Some(shard) = cluster.shard(*index) else { continue };
        match own_point(shard, end, proposal) {
            Part::Ready(point) => drop(points.insert(*index, point)),
            Part::Hopeless => {}
            Part::Pending => is_pending = true,
        }
    }
    let waited = elapsed(since.max(proposal.observed.first_look), proposal.now);
    if !is_pending || waited >= OPENING_MAX {
        propose(proposal, SwitchoverStep::RecordPoints { points });
    }
}

fn own_point(shard: &Shard<'_>, end: &ReplicationPoint, proposal: &mut Proposal<'_>) -> Part<ReplicationPoint> {
    let Some(primary) = shard.primary() else { return Part::Pending };
    let Some(engine) = primary.engine().filter(|engine| engine.cluster_ok && !engine.loading) else { return Part::Pending };
    match proposal.observed.replication.points.get(&primary.serial()) {
        Some(Seen::Known(carried)) if carried.covers(end) && engine.history.is_kept => Part::Ready(engine.point()),
        Some(Seen::Known(carried)) if carried.covers(end) => {
            if !proposal.is_busy(primary.serial()) {
                propose(proposal, SwitchoverStep::KeepHistory { node: primary.serial() });
            }
            Part::Pending
        }
        Some(Seen::Known(_) | Seen::Absent) => Part::Hopeless,
        Some(Seen::Unknown) | None => Part::Pending,
    }
}

/// Nothing waits for this: the points of a former secondary mean nothing any more.
fn plan_clearing(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    if following::are_points_clear(cluster, proposal) {
        propose(proposal, SwitchoverStep::Finish);
    }
}

/// The shards of an old secondary, or of the old primary, become copies of the new primary as they are.
pub(crate) fn plan_taking_over(
    cluster: &Cluster<'_>,
    (ended, points): (&Points, &Points),
    proposal: &mut Proposal<'_>,
) -> Vec<valkyard_model::ShardIndex> {
    let mut ready = Vec::new();
    for shard in &cluster.shards {
        let wanted = ended.get(&shard.index).zip(points.get(&shard.index));
        match wanted.map_or(Part::Ready(()), |(end, point)| take_point(cluster, shard, (end, point), proposal)) {
            Part::Ready(()) | Part::Hopeless => ready.push(shard.index),
            Part::Pending => proposal.wait(WaitingOn::Switchover),
        }
    }
    if ready.len() == cluster.shards.len() {
        propose(proposal, SwitchoverStep::Finish);
    }
    ready
}

fn take_point(
    cluster: &Cluster<'_>,
    shard: &Shard<'_>,
    (end, point): (&ReplicationPoint, &ReplicationPoint),
    proposal: &mut Proposal<'_>,
) -> Part<()> {
    if cluster.desired.replication.reseeding.contains_key(&shard.index) {
        return Part::Hopeless;
    }
    let is_ready = |node: &&Node<'_>| {
        node.engine().is_some_and(|engine| engine.cluster_ok && !engine.loading && engine.role == RoleSeen::Primary)
            && !import::is_uncounted(cluster, node)
    };
    let Some(primary) = shard.primary().filter(is_ready) else { return Part::Pending };
    match proposal.observed.replication.points.get(&primary.serial()) {
        Some(Seen::Known(carried)) if carried.covers(point) => return Part::Ready(()),
        Some(Seen::Unknown) | None => return Part::Pending,
        Some(seen) if !has_everything(primary, seen, end) => return Part::Hopeless,
        Some(Seen::Known(_) | Seen::Absent) => {}
    }
    if proposal.observed.replication.links.contains_key(&shard.index) {
        proposal.propose(Step::EndLink { shard: shard.index });
    } else if !proposal.is_busy(primary.serial()) {
        propose(proposal, SwitchoverStep::TakePoint { node: primary.serial(), point: point.clone() });
    }
    Part::Pending
}

/// Whether a node has all that the old primary had at its end: by the point that it carries, or by its own history if it was
/// that primary's.
pub(crate) fn has_everything(node: &Node<'_>, carried: &Seen<ReplicationPoint>, end: &ReplicationPoint) -> bool {
    match carried {
        Seen::Known(carried) => carried.covers(end),
        Seen::Absent => node.engine().is_some_and(|engine| engine.has_come_to(end)),
        Seen::Unknown => false,
    }
}
