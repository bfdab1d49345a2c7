//! Links of a secondary: from which node of the primary instance to which node here, and their end.
//!
//! Called after everything that starts, stops or promotes nodes. Its invariants: a link writes only to the primary of the shard
//! that has the same slots, whose data was counted; a shard whose data cannot be continued is seeded anew only while the
//! source is there to take it from; and clients write to a detached instance only when no link does.

use std::collections::BTreeSet;
use std::net::SocketAddrV4;
use std::time::Duration;

use valkyard_model::{
    Condition, Convergence, LinkSeen, Role, SeedLack, Seen, ShardIndex, SourceShard, Step, StreamState, Switchover, WaitingOn,
};

use crate::cluster::{Cluster, Node, Shard};
use crate::proposal::Proposal;
use crate::retry::elapsed;
use crate::switchover::Draining;
use crate::{import, reseed, switchover};

/// Least time between two copies of a shard made anew: a shard whose primary writes more while a copy is made than it keeps of its
/// history serves most of the time at least.
const BETWEEN_COPIES: Duration = Duration::from_secs(60);

pub(crate) fn plan_links(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let replication = &cluster.desired.replication;
    match &replication.role {
        Role::None => plan_rest(cluster, proposal),
        Role::Primary { .. } => {
            end_all(proposal);
            if let Some(stage) = &replication.switchover {
                switchover::plan_primary(cluster, stage, proposal);
            }
        }
        Role::Leaving => plan_leaving(cluster, proposal),
        Role::Secondary { .. } => plan_secondary(cluster, replication.switchover.as_ref(), proposal),
    }
}

fn plan_secondary(cluster: &Cluster<'_>, stage: Option<&Switchover>, proposal: &mut Proposal<'_>) {
    end_strangers(cluster, proposal);
    let all = || cluster.shards.iter().map(|shard| shard.index).collect::<Vec<_>>();
    match stage {
        None | Some(Switchover::Opening { .. } | Switchover::Clearing) => plan_reseeding(cluster, &all(), proposal),
        Some(stage @ Switchover::Draining { .. }) => {
            // Nothing is thrown away now: the other side is about to change.
            for shard in &cluster.shards {
                plan_link(cluster, shard, proposal);
            }
            if let Some(draining) = Draining::of(stage) {
                switchover::plan_draining(cluster, &draining, proposal);
            }
        }
        Some(Switchover::AwaitingPoints { .. }) => {
            end_all(proposal);
            proposal.wait(WaitingOn::Switchover);
        }
        Some(Switchover::TakingOver { ended, points }) => {
            let ready = switchover::plan_taking_over(cluster, (ended, points), proposal);
            plan_reseeding(cluster, &ready, proposal);
        }
    }
}

/// Links of these shards, and the mark of those whose data has to be taken anew.
fn plan_reseeding(cluster: &Cluster<'_>, shards: &[ShardIndex], proposal: &mut Proposal<'_>) {
    let mut reseeding = cluster.desired.replication.reseeding.clone();
    for shard in cluster.shards.iter().filter(|shard| shards.contains(&shard.index)) {
        if plan_link(cluster, shard, proposal) == Verdict::Reseed && has_rested(cluster, shard, proposal) {
            let noted = shard.nodes.iter().find_map(import::placed);
            reseeding.insert(shard.index, noted.and_then(|import| import.point.clone()));
        }
    }
    if reseeding != cluster.desired.replication.reseeding {
        reseed::set(proposal, reseeding);
    }
}

/// Whether a shard may be copied anew again: each time nobody reads from it, and a cause that stays brings it back soon.
fn has_rested(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &Proposal<'_>) -> bool {
    let last = cluster.desired.replication.reseeded.get(&shard.index);
    last.is_none_or(|last| elapsed(*last, proposal.now) >= BETWEEN_COPIES)
}

/// Ends the links of an instance that is on its way out. Returns whether one still runs.
pub(crate) fn end_all(proposal: &mut Proposal<'_>) -> bool {
    let shards: Vec<ShardIndex> = proposal.observed.replication.links.keys().copied().collect();
    for shard in &shards {
        proposal.propose(Step::EndLink { shard: *shard });
        proposal.wait(WaitingOn::LinkToEnd(*shard));
    }
    !shards.is_empty()
}

/// Whether this shard's writes flow.
pub(crate) fn follows(proposal: &Proposal<'_>, shard: &Shard<'_>) -> bool {
    let link = proposal.observed.replication.links.get(&shard.index);
    let is_streaming = |link: &&LinkSeen| link.state == StreamState::Streaming;
    link.filter(is_streaming).is_some_and(|link| shard.primary().is_some_and(|primary| primary.serial() == link.target))
}

/// The node that a full copy is taken from: a replica, which spares the primary; else the primary. Links read from primaries only,
/// which alone can say for certain that they keep their slots.
pub(crate) fn choose_tap(source: &SourceShard) -> SocketAddrV4 {
    source.copies.first().copied().unwrap_or(source.primary)
}

/// What becomes of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It goes on, or waits.
    Stays,
    /// Its data has to be taken anew.
    Reseed,
}

fn end_strangers(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let known: BTreeSet<ShardIndex> = cluster.shards.iter().map(|shard| shard.index).collect();
    let strangers: Vec<ShardIndex> =
        proposal.observed.replication.links.keys().filter(|shard| !known.contains(shard)).copied().collect();
    strangers.into_iter().for_each(|shard| proposal.propose(Step::EndLink { shard }));
}

fn plan_link(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) -> Verdict {
    let link = proposal.observed.replication.links.get(&shard.index);
    note_condition(cluster, shard, link, proposal);
    if cluster.desired.replication.reseeding.contains_key(&shard.index) {
        end(shard, link, proposal);
        return Verdict::Stays;
    }
    let is_ready = |node: &&Node<'_>| {
        node.engine().is_some_and(|engine| engine.cluster_ok && !engine.loading) && !import::is_uncounted(cluster, node)
    };
    let Some(target) = shard.primary().filter(is_ready).filter(|_| import::is_counted(cluster)) else { return Verdict::Stays };
    let Some(source) = cluster.source.and_then(|source| source.shards.get(&shard.index)) else {
        return Verdict::Stays;
    };
    let has_same_slots = target.engine().is_some_and(|engine| engine.slots == source.slots);
    let is_settled = cluster.source.is_some_and(|source| source.is_settled);
    if !has_same_slots {
        end(shard, link, proposal);
        // Slots of the source moved: what is here is of another division.
        return if is_settled { Verdict::Reseed } else { Verdict::Stays };
    }
    match link {
        Some(link) if link.target == target.serial() && link.source == source.primary => match &link.state {
            StreamState::Connecting | StreamState::Streaming | StreamState::Broken { .. } => {}
            // In a creation a node may have begun on its first data again.
            StreamState::NeedsSeed { lack: SeedLack::Point, .. } if cluster.desired.importing().is_some() => {
                end(shard, Some(link), proposal);
                import::plan_pointing(cluster, target, proposal);
            }
            StreamState::NeedsSeed { .. } | StreamState::SourceResharding if is_settled => return Verdict::Reseed,
            StreamState::NeedsSeed { .. } | StreamState::SourceResharding => {}
        },
        Some(_) | None => {
            let step = Step::EnsureLink { shard: shard.index, source: source.primary, target: target.serial() };
            proposal.propose(step);
        }
    }
    Verdict::Stays
}

fn end(shard: &Shard<'_>, link: Option<&LinkSeen>, proposal: &mut Proposal<'_>) {
    if link.is_some() {
        proposal.propose(Step::EndLink { shard: shard.index });
    }
}

fn note_condition(cluster: &Cluster<'_>, shard: &Shard<'_>, link: Option<&LinkSeen>, proposal: &mut Proposal<'_>) {
    let desired = cluster.desired;
    if desired.convergence == Convergence::Never {
        return;
    }
    if desired.replication.reseeding.contains_key(&shard.index) {
        proposal.note(Condition::BeingReseeded(shard.index));
        return;
    }
    let reason = match link.map(|link| &link.state) {
        Some(StreamState::Connecting | StreamState::Streaming) => return,
        Some(StreamState::NeedsSeed { reason, .. } | StreamState::Broken { reason }) => reason.clone(),
        Some(StreamState::SourceResharding) => "slots move in the primary instance".to_owned(),
        None if cluster.source.is_none() => "nothing is known of the primary instance".to_owned(),
        None => "the shard does not serve here or in the primary instance".to_owned(),
    };
    proposal.note(Condition::NotFollowing(shard.index, reason));
}

/// Links end first, then no node carries a point any more, then clients may write.
fn plan_leaving(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    if end_all(proposal) {
        return;
    }
    let rest = cluster.shards.iter().filter(|shard| is_down(shard)).map(|shard| shard.index).collect();
    match cluster.desired.replication.reseeding.is_empty() && are_points_clear(cluster, proposal) {
        true => proposal.propose(Step::RecordDetached { rest }),
        false => cluster.shards.iter().for_each(|shard| proposal.wait(WaitingOn::LinkToEnd(shard.index))),
    }
}

/// Whether nobody of a shard lives and somebody should: clients of the others do not wait for it.
fn is_down(shard: &Shard<'_>) -> bool {
    !shard.owns_nothing && shard.primary().is_none() && shard.is_dead()
}

/// Shards that were down when the instance was detached lose their points when they are back.
fn plan_rest(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let uncleared = &cluster.desired.replication.uncleared;
    if end_all(proposal) || uncleared.is_empty() {
        return;
    }
    are_points_clear(cluster, proposal);
    let is_clear = |shard: &Shard<'_>| {
        let primary = shard.primary().map(|primary| primary.serial());
        primary.is_some_and(|primary| proposal.observed.replication.points.get(&primary) == Some(&Seen::Absent))
    };
    let is_left = |index: &&ShardIndex| cluster.shard(**index).is_some_and(|shard| !is_clear(shard));
    let rest: BTreeSet<ShardIndex> = uncleared.iter().filter(is_left).copied().collect();
    if rest != *uncleared {
        proposal.propose(Step::RecordDetached { rest });
    }
}

/// Whether no serving primary carries a point; one that does is to lose it. A shard that is down carries none now.
pub(crate) fn are_points_clear(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) -> bool {
    let mut is_clear = cluster.shards.iter().all(|shard| shard.owns_nothing || shard.primary().is_some() || is_down(shard));
    for primary in cluster.shards.iter().filter_map(Shard::primary) {
        match proposal.observed.replication.points.get(&primary.serial()) {
            Some(Seen::Absent) => {}
            Some(Seen::Known(_)) if !proposal.is_busy(primary.serial()) => {
                is_clear = false;
                proposal.propose(Step::ClearPoint { node: primary.serial() });
            }
            Some(Seen::Known(_) | Seen::Unknown) | None => is_clear = false,
        }
    }
    is_clear
}
