//! When a creation is given up, and what its client is told. Nothing that was ever complete is given up.
//!
//! Called before anything else is planned for an instance that was never seen complete. A cause that only a person can
//! remove ends the creation at once; one that may pass is retried first.

use std::time::Duration;

use valkyard_model::{Failure, FailureCode, Fault, FaultKind, StepKind};

use crate::cluster::{Cluster, Node};
use crate::proposal::Proposal;
use crate::retry::elapsed;

/// Starts of a node that never served: with backoff about three seconds, enough for a passing cause to pass.
const STARTS_MAX: u32 = 5;
/// Failures in a row of one step whose cause may pass: with backoff about half a minute.
const ATTEMPTS_MAX: u32 = 10;
/// Time a creation may take at least: 30 times what a small cluster needs (2 s).
const DEADLINE_BASE: Duration = Duration::from_secs(60);
/// Further time per node: slow machines start some nodes per second.
const DEADLINE_PER_NODE: Duration = Duration::from_secs(2);

/// Why this creation cannot succeed any more.
pub(crate) fn decide_failure(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    let faulty = || proposal.observed.faults.iter().find_map(hopeless_fault);
    let foreign = || cluster.nodes().find_map(|node| occupied_address(cluster, node));
    let restless = || cluster.nodes().find_map(restless_node);
    faulty().or_else(foreign).or_else(restless).or_else(|| overdue(cluster, proposal))
}

fn hopeless_fault(fault: &Fault) -> Option<Failure> {
    let (code, advice) = match fault.kind {
        FaultKind::DiskFull => (FailureCode::ResourceExhausted, "free disk space, then create the instance again"),
        FaultKind::PermissionDenied => {
            (FailureCode::FailedPrecondition, "make the data directory writable for the daemon, then create the instance again")
        }
        FaultKind::AddressInUse => {
            (FailureCode::FailedPrecondition, "end the process that uses the address, then create the instance again")
        }
        FaultKind::EngineMissing => {
            (FailureCode::FailedPrecondition, "install a working build of this engine version, then create the instance again")
        }
        FaultKind::Transient if fault.attempts >= ATTEMPTS_MAX => {
            (FailureCode::Internal, "see the daemon's log for the earlier attempts")
        }
        FaultKind::Transient => return None,
    };
    let attempt = match fault.node {
        Some(node) => format!("{} {node}", phrase(fault.step)),
        None => phrase(fault.step).to_owned(),
    };
    let times = if fault.attempts > 1 { format!(" ({} attempts)", fault.attempts) } else { String::new() };
    Some(Failure { code, message: format!("failed to {attempt}{times}: {}; {advice}", fault.detail) })
}

/// A step as the end of "failed to".
fn phrase(step: StepKind) -> &'static str {
    match step {
        StepKind::AllocateNodes => "set nodes aside",
        StepKind::PrepareNode => "prepare the folder of node",
        StepKind::StartProcess => "start the process of node",
        StepKind::StopProcess => "stop the process of node",
        StepKind::ShutDownEngine => "shut down the engine of node",
        StepKind::RemoveFiles => "remove the files of node",
        StepKind::TakeOver => "promote node",
        StepKind::Replicate => "attach replica",
        StepKind::Meet => "introduce node",
        StepKind::FailOver => "fail over to node",
        StepKind::MoveSlots => "move slots away from node",
        StepKind::ClaimSlots => "give unowned slots to node",
        StepKind::CopyFunctions => "copy functions to node",
        StepKind::Configure => "configure node",
        StepKind::Forget => "remove leaving nodes from the view of node",
        StepKind::RetireNodes => "choose the nodes that leave",
        StepKind::ReleaseNodes => "remove the records of nodes that left",
        StepKind::RecordDataLoss => "record a loss of data",
        StepKind::AbandonUpdate => "give up the change",
        StepKind::OpenDiscovery => "open the discovery endpoint",
        StepKind::CloseDiscovery => "close the discovery endpoint",
        StepKind::RecordConverged => "record that the instance is complete",
        StepKind::AbandonCreate => "give up the creation",
        StepKind::RemoveInstance => "remove the record of the instance",
    }
}

fn occupied_address(cluster: &Cluster<'_>, node: &Node<'_>) -> Option<Failure> {
    let other = node.foreign_engine()?;
    let message = format!(
        "failed to start node {}: another engine (node id {other}) answers at {}; end it, then create the instance again",
        node.serial(),
        node.client_address(cluster.desired),
    );
    Some(Failure { code: FailureCode::FailedPrecondition, message })
}

fn restless_node(node: &Node<'_>) -> Option<Failure> {
    let history = &node.seen.history;
    if history.starts < STARTS_MAX || !node.is_dead() {
        return None;
    }
    let end = match &history.last_exit {
        Some(exit) if exit.log_tail.is_empty() => format!("it ended with {} and wrote no log", exit.status),
        Some(exit) => format!("it ended with {}; its log ends with: {}", exit.status, exit.log_tail),
        None => "how it ended was not seen".to_owned(),
    };
    let message = format!(
        "node {} was started {} times and never served: {end}; remove the cause, then create the instance again",
        node.serial(),
        history.starts
    );
    Some(Failure { code: FailureCode::FailedPrecondition, message })
}

fn overdue(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    let limit = DEADLINE_BASE + DEADLINE_PER_NODE * cluster.desired.spec.node_count();
    // What passed before this daemon looked was not spent on the creation.
    let begin = cluster.desired.create_time.max(proposal.observed.first_look);
    if elapsed(begin, proposal.now) <= limit {
        return None;
    }
    let message = format!(
        "the instance was not complete after {} s of work on it; the machine may be too slow for its {} nodes: create a \
         smaller one, or again when the machine is less busy",
        limit.as_secs(),
        cluster.desired.spec.node_count()
    );
    Some(Failure { code: FailureCode::DeadlineExceeded, message })
}
