//! Nodes that live and do not answer: stopped by a signal, hung, or cut off. They are ended, so that what follows is the
//! ordinary takeover of a node that is certainly dead.
//!
//! Called for each shard after `failover`. Its invariant: a silent node is ended only when a copy of its data can take its
//! place, and never two of a shard at once; promoting anybody over a living process is out of the question.

use std::time::Duration;

use valkyard_model::{LinkState, NodeId, ProcessState, RoleSeen, Seen, Step, StopManner, WaitingOn};

use crate::cluster::{Life, Node, Shard};
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// How long a stopped process may stay stopped: above a debugger's glance or a job control accident, far below a client's
/// patience. With the rest between looks (0.5 s) and one unanswered question (0.3 s), writes resume within 2 s.
const STOPPED_PATIENCE: Duration = Duration::from_millis(700);
/// How long a process that runs may leave questions unanswered: a script, a large deletion or a swapped-out machine may take
/// seconds, and ending it would lose what its replicas do not have yet.
const SILENT_PATIENCE: Duration = Duration::from_secs(10);
/// Rest after ending a process, which takes effect within milliseconds.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn plan_end_of_silence(shard: &Shard<'_>, proposal: &mut Proposal<'_>) {
    if proposal.touches(shard) {
        return;
    }
    // A failover waits for a winner that nobody has heard of, and for nobody else here.
    let is_in_turn = |node: &Node<'_>| !proposal.takes_over(shard.index) || is_unheard_winner(shard, node);
    let overdue = shard.nodes.iter().find(|node| is_overdue(node, proposal) && is_in_turn(node) && is_replaceable(shard, node));
    let Some(node) = overdue else { return };
    proposal.wait(WaitingOn::ProcessToExit(node.serial()));
    let history = &node.seen.history;
    if history.last_stop.is_none_or(|last| elapsed(last, proposal.now) >= KILL_PATIENCE) {
        proposal.propose(Step::StopProcess { node: node.serial(), manner: StopManner::Kill });
    }
}

fn is_overdue(node: &Node<'_>, proposal: &Proposal<'_>) -> bool {
    let Seen::Known(process) = &node.seen.process else { return false };
    let patience = match process.state {
        ProcessState::Stopped => STOPPED_PATIENCE,
        ProcessState::Running => SILENT_PATIENCE,
    };
    let silent_since = node.seen.history.silent_since;
    node.engine().is_none() && silent_since.is_some_and(|since| elapsed(since, proposal.now) >= patience)
}

/// Whether the shard does not need this very process: it has no data yet, a living primary beside it, or a copy of its data.
fn is_replaceable(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    if shard.owns_nothing {
        return true;
    }
    let Some(owner) = shard.owner().filter(|owner| owner.serial() != node.serial()) else {
        return shard.siblings(node).any(|sibling| has_copy_of(sibling, node.id()));
    };
    // The others have what the owner had from whom it took over.
    let has_copy = || shard.siblings(node).any(|sibling| has_copy_of(sibling, owner.id()));
    shard.primary().is_some() || (is_unheard_winner(shard, node) && has_copy())
}

/// Whether it may have taken over from the dead owner that everybody else knows.
fn is_unheard_winner(shard: &Shard<'_>, node: &Node<'_>) -> bool {
    let is_outlived = |owner: &Node<'_>| owner.is_dead() && owner.serial() != node.serial();
    node.seen.history.may_have_taken_over && shard.owner().is_some_and(is_outlived)
}

/// Whether a living replica has held this primary's data completely. Its link may look up or down by now.
fn has_copy_of(node: &Node<'_>, primary: &NodeId) -> bool {
    let Some(engine) = node.engine().filter(|engine| node.life() == Life::Alive && !engine.loading) else { return false };
    match &engine.role {
        RoleSeen::Replica { of, link: LinkState::Up | LinkState::Down } => of == primary && engine.replication_offset > 0,
        RoleSeen::Replica { link: LinkState::Syncing, .. } | RoleSeen::Primary => false,
    }
}
