//! When to look again if nothing wakes the loop before. Exits of processes and accepted requests wake it by themselves.

use std::time::Duration;

use valkyard_model::{DesiredInstance, NodeHistory, Step, Timestamp, WaitingOn};

use crate::proposal::Proposal;
use crate::retry::elapsed;

/// After steps: about the time an engine needs to show an effect.
const AFTER_STEPS: Duration = Duration::from_millis(10);
/// After introducing nodes to each other, which takes some exchanges on the bus; asking again meanwhile is of no use.
const AFTER_MEETING: Duration = Duration::from_millis(100);
/// While something is under way: adds 1 % to the 2 s that a new cluster takes.
const WHILE_WAITING: Duration = Duration::from_millis(20);
/// Least rest per node while waiting: a look asks every node for its view of every other, which grows with the square.
const REST_PER_NODE: Duration = Duration::from_millis(1);
/// While waiting for something that has not happened for long.
const WHILE_STUCK: Duration = Duration::from_millis(500);
/// A wait longer than this is not a matter of milliseconds any more: five times the engine's longest own delay.
const STUCK_AFTER: Duration = Duration::from_secs(10);
/// When all is well: hung nodes are found by looking only, and their clients wait meanwhile. Part of the 2 s within which
/// writes resume; ten small instances cost well below a tenth of a percent of a processor.
const WHEN_QUIET: Duration = Duration::from_millis(500);
/// Least rest per node when all is well: very large instances are looked at every second or two.
const QUIET_REST_PER_NODE: Duration = Duration::from_millis(5);

pub(crate) fn look_again_in(desired: &DesiredInstance, proposal: &Proposal<'_>) -> Duration {
    if !proposal.steps().is_empty() {
        let only_meeting = proposal.steps().iter().all(|step| matches!(step, Step::Meet { .. }));
        return if only_meeting { AFTER_MEETING } else { AFTER_STEPS };
    }
    let is_waiting = proposal.waiting_on().iter().any(|reason| !matches!(reason, WaitingOn::Retry { .. }));
    let poll = if !is_waiting {
        WHEN_QUIET.max(QUIET_REST_PER_NODE * desired.spec.node_count())
    } else if moves_slots(proposal) || elapsed(last_event(desired, proposal), proposal.now) < STUCK_AFTER {
        WHILE_WAITING.max(REST_PER_NODE * desired.spec.node_count())
    } else {
        WHILE_STUCK
    };
    proposal.next_retry().map_or(poll, |retry| retry.max(AFTER_STEPS).min(poll))
}

/// Slots move for as long as there are keys; the next part waits for the end of the one before.
fn moves_slots(proposal: &Proposal<'_>) -> bool {
    proposal.waiting_on().iter().any(|reason| matches!(reason, WaitingOn::SlotsToMove { .. }))
}

/// When something was last done with the instance, or happened to it. What came before the first look may just have happened.
fn last_event(desired: &DesiredInstance, proposal: &Proposal<'_>) -> Timestamp {
    let of_node = |history: &NodeHistory| {
        let exit = history.last_exit.as_ref().map(|exit| exit.at);
        let told = [history.last_failover, history.forgotten_since];
        [history.last_start, history.last_stop, exit].into_iter().chain(told).flatten().max()
    };
    let nodes = proposal.observed.nodes.values().filter_map(|node| of_node(&node.history));
    let faults = proposal.observed.faults.iter().map(|fault| fault.last);
    nodes.chain(faults).fold(desired.create_time.max(desired.update_time).max(proposal.observed.first_look), Timestamp::max)
}
