//! Ending a process: ask once, wait, then make it. One that cannot be found, its folder being gone, is asked through its
//! engine, again and again.
//!
//! Called by `teardown` and for lost folders. How far it got is read from the reconciler's memory; a restarted daemon asks
//! again, which does no harm.

use std::time::Duration;

use valkyard_model::{Seen, Step, StopManner, WaitingOn};

use crate::cluster::Node;
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// Patience after SIGTERM: an engine without data to save exits within some milliseconds.
const TERMINATE_PATIENCE: Duration = Duration::from_secs(3);
/// Patience after SIGKILL, which only a process in uninterruptible sleep survives.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

/// For a node that is certainly alive.
pub(crate) fn plan_stop(node: &Node<'_>, proposal: &mut Proposal<'_>) {
    let history = &node.seen.history;
    let waited = history.last_stop.map_or(Duration::MAX, |last| elapsed(last, proposal.now));
    let serial = node.serial();
    let signal = |manner| Step::StopProcess { node: serial, manner };
    let (step, patience) = match (&node.seen.process, history.stops) {
        (Seen::Known(_), 0) => (signal(StopManner::Terminate), Duration::ZERO),
        (Seen::Known(_), 1) => (signal(StopManner::Kill), TERMINATE_PATIENCE),
        (Seen::Known(_), _) => (signal(StopManner::Kill), KILL_PATIENCE),
        (Seen::Absent | Seen::Unknown, stops) => {
            let patience = if stops == 0 { Duration::ZERO } else { TERMINATE_PATIENCE };
            (Step::ShutDownEngine { node: serial }, patience)
        }
    };
    proposal.wait(WaitingOn::ProcessToExit(serial));
    if waited >= patience {
        proposal.propose(step);
    }
}
