//! Shards that lost data: all their nodes have ended, and what they had written down is nothing or an older copy.
//!
//! Read before a dead node is woken. Its invariant: a loss is on record before the shard comes back without the data.

use valkyard_model::{Step, Timestamp};

use crate::cluster::{Cluster, Shard};
use crate::durability::{revival, unseen_folder};
use crate::proposal::Proposal;

/// Proposes to record a loss that is not on record yet; its nodes are not woken meanwhile.
pub(crate) fn is_to_be_recorded(cluster: &Cluster<'_>, shard: &Shard<'_>, proposal: &mut Proposal<'_>) -> bool {
    let desired = cluster.desired;
    // Shards of a creation, or of a change that has not reached them, hold nothing yet.
    let was_complete = desired.settled.as_ref().is_some_and(|settled| shard.index.0 < settled.spec.shard_count);
    if !was_complete || !shard.is_dead() || unseen_folder(cluster, shard).is_some() {
        return false;
    }
    let revival = revival(cluster, shard);
    let (is_being_woken, restored_to) = match &revival {
        None => (shard.nodes.iter().any(|node| node.seen.history.starts > 0), None),
        // Nothing is lost as long as it may still be read.
        Some(revival) if revival.restored_to.is_none() || revival.first.unreadable().is_some() => return false,
        Some(revival) => (revival.first.seen.history.starts > 0, revival.restored_to),
    };
    let Some(died) = death(shard, proposal).filter(|_| !is_being_woken) else { return false };
    let is_recorded = desired.losses.iter().any(|loss| loss.shard == shard.index && loss.at >= died);
    let is_proposed =
        proposal.steps().iter().any(|step| matches!(step, Step::RecordDataLoss { shard: lost, .. } if *lost == shard.index));
    if !is_recorded && !is_proposed {
        proposal.propose(Step::RecordDataLoss { shard: shard.index, at: proposal.now, restored_to });
    }
    !is_recorded
}

/// When its last node ended; a death that this daemon did not see counts from its first look.
fn death(shard: &Shard<'_>, proposal: &Proposal<'_>) -> Option<Timestamp> {
    let ends = shard.nodes.iter().map(|node| node.seen.history.last_exit.as_ref());
    ends.map(|exit| exit.map_or(proposal.observed.first_look, |exit| exit.at)).max()
}
