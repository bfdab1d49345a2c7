//! Ending a process: ask once, wait, then make it.
//!
//! Called by `teardown` and for lost folders. How far it got is read from the reconciler's memory; a restarted daemon asks
//! again, which does no harm.

use std::time::Duration;

use valkyard_model::{Step, StopManner, WaitingOn};

use crate::cluster::Node;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// Patience after SIGTERM: an engine without data to save exits within some milliseconds.
const TERMINATE_PATIENCE: Duration = Duration::from_secs(3);
/// Patience after SIGKILL, which only a process in uninterruptible sleep survives.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn plan_stop(node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let history = &node.seen.history;
    let waited = history.last_stop.map_or(Duration::MAX, |last| elapsed(last, proposal.now));
    let (manner, patience) = match history.stops {
        0 => (StopManner::Terminate, Duration::ZERO),
        1 => (StopManner::Kill, TERMINATE_PATIENCE),
        _ => (StopManner::Kill, KILL_PATIENCE),
    };
    proposal.wait(WaitingOn::ProcessToExit(node.serial()));
    if waited >= patience {
        proposal.propose(Step::StopProcess { node: node.serial(), manner });
    }
}
