//! When a creation or a change is given up, and what its client is told.
//!
//! Called before anything else is planned. A creation that is given up is taken down; a change that is given up is undone:
//! the instance goes back to the spec it was last complete with. A cause that only a person can remove ends it at once; one
//! that may pass is retried first. An instance that was complete is never taken down, and one on its way back is left to it.

use std::time::Duration;

use valkyard_model::{Convergence, Failure, FailureCode, Fault, FaultKind, Step, StepKind};

use crate::change::Change;
use crate::cluster::{Cluster, Node};
use crate::proposal::Proposal;
use crate::retry::elapsed;
use crate::{advice, convergence, durability, import, room};

/// Starts of a node that never served: with backoff about three seconds, enough for a passing cause to pass.
const STARTS_MAX: u32 = 5;
/// Failures in a row of one step whose cause may pass: with backoff about half a minute.
const ATTEMPTS_MAX: u32 = 10;
/// Time a creation may take at least: 30 times what a small cluster needs (2 s).
const DEADLINE_BASE: Duration = Duration::from_secs(60);
/// Further time per node: slow machines start some nodes per second.
const DEADLINE_PER_NODE: Duration = Duration::from_secs(2);

/// Further time for a creation that begins with data: an hour for reading, writing, loading and copying it.
const DEADLINE_IMPORT: Duration = Duration::from_secs(3_600);

/// What is given up.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Creation,
    Change,
}

impl Attempt {
    /// How to try again, as the end of "then".
    fn again(self) -> &'static str {
        match self {
            Self::Creation => "create the instance again",
            Self::Change => "apply the change again",
        }
    }
}

/// The step that gives up what cannot succeed any more.
pub(crate) fn decide_way_back(cluster: &Cluster<'_>, change: Change, proposal: &Proposal<'_>) -> Option<Step> {
    let desired = cluster.desired;
    match &desired.settled {
        None if desired.convergence == Convergence::Never && !convergence::is_complete(cluster, change) => {
            decide_failure(cluster, proposal).map(|failure| Step::AbandonCreate { failure })
        }
        Some(settled) if desired.is_changing() && !desired.spec.asks_same_nodes(&settled.spec) => {
            let shortfall = || room::decide_shortfall(cluster, settled);
            let failure = shortfall().or_else(|| decide_futility(cluster, proposal));
            failure.map(|failure| Step::AbandonUpdate { failure })
        }
        None | Some(_) => None,
    }
}

/// Why this change cannot succeed any more.
fn decide_futility(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    let is_of_change = |fault: &&Fault| match fault.step {
        StepKind::PrepareNode
        | StepKind::StartProcess
        | StepKind::AllocateNodes
        | StepKind::Meet
        | StepKind::Replicate
        | StepKind::MoveSlots
        | StepKind::CopyFunctions
        | StepKind::Configure => true,
        StepKind::StopProcess
        | StepKind::ShutDownEngine
        | StepKind::RemoveFiles
        | StepKind::TakeOver
        | StepKind::FailOver
        | StepKind::ClaimSlots
        | StepKind::SaveSnapshot
        | StepKind::BeginBackup
        | StepKind::StopBackup
        | StepKind::RecordBackup
        | StepKind::AbandonBackup
        | StepKind::BeginImport
        | StepKind::StopImport
        | StepKind::ConfirmImport
        | StepKind::ForgetImport
        | StepKind::EnsureLink
        | StepKind::EndLink
        | StepKind::SetReseeding
        | StepKind::ClearPoint
        | StepKind::RecordDetached
        | StepKind::SwitchOver
        | StepKind::Forget
        | StepKind::RetireNodes
        | StepKind::ReleaseNodes
        | StepKind::RecordDataLoss
        | StepKind::AbandonUpdate
        | StepKind::OpenDiscovery
        | StepKind::CloseDiscovery
        | StepKind::RecordConverged
        | StepKind::AbandonCreate
        | StepKind::RemoveInstance => false,
    };
    // What failed before the change was accepted is no fault of it: its cause may be gone.
    let begun = cluster.desired.update_time;
    let faults = || proposal.observed.faults.iter().filter(|fault| fault.last >= begun);
    let faulty = || faults().filter(is_of_change).find_map(|fault| hopeless_fault(fault, Attempt::Change));
    let restless = || cluster.nodes().filter(|node| is_new(cluster, node)).find_map(|node| restless_node(node, Attempt::Change));
    let mut failure = faulty().or_else(restless).or_else(|| durability::unwritable(cluster, proposal))?;
    failure.message.push_str("; the instance goes back to what it was");
    Some(failure)
}

/// Whether a node was made later than one that serves and does not serve itself: nothing of the instance depends on it yet.
fn is_new(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let serves = |other: &Node<'_>| other.engine().is_some_and(|engine| engine.cluster_ok);
    node.is_member() && !serves(node) && cluster.nodes().filter(|other| other.serial() < node.serial()).any(serves)
}

/// Why this creation cannot succeed any more.
fn decide_failure(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    let faulty = || proposal.observed.faults.iter().find_map(|fault| hopeless_fault(fault, Attempt::Creation));
    let foreign = || cluster.nodes().find_map(|node| occupied_address(cluster, node));
    let restless = || cluster.nodes().find_map(|node| restless_node(node, Attempt::Creation));
    let unloaded = || import::failure(cluster, proposal);
    unloaded().or_else(faulty).or_else(foreign).or_else(restless).or_else(|| overdue(cluster, proposal))
}

fn hopeless_fault(fault: &Fault, attempt: Attempt) -> Option<Failure> {
    let (code, advice) = match fault.kind {
        FaultKind::DiskFull => (FailureCode::ResourceExhausted, advice::MAKE_ROOM),
        FaultKind::PermissionDenied => (FailureCode::FailedPrecondition, "make the data directory writable for the daemon"),
        FaultKind::AddressInUse => (FailureCode::FailedPrecondition, "end the process that uses the address"),
        FaultKind::EngineMissing => (FailureCode::FailedPrecondition, "install a working build of this engine version"),
        FaultKind::BadData => (FailureCode::FailedPrecondition, "choose other data"),
        FaultKind::Transient if fault.attempts >= ATTEMPTS_MAX => {
            (FailureCode::Internal, "look for the cause among the earlier attempts in the daemon's log")
        }
        FaultKind::Transient => return None,
    };
    let what = match fault.node {
        Some(node) => format!("{} {node}", phrase(fault.step)),
        None => phrase(fault.step).to_owned(),
    };
    let times = if fault.attempts > 1 { format!(" ({} attempts)", fault.attempts) } else { String::new() };
    let message = format!("failed to {what}{times}: {}; {advice}, then {}", fault.detail, attempt.again());
    Some(Failure { code, message })
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
        StepKind::SaveSnapshot => "save a snapshot of node",
        StepKind::BeginBackup => "begin the backup",
        StepKind::StopBackup => "stop the backup",
        StepKind::RecordBackup => "record the backup",
        StepKind::AbandonBackup => "give up the backup",
        StepKind::BeginImport => "import data",
        StepKind::StopImport => "stop importing data",
        StepKind::ConfirmImport => "note imported data of node",
        StepKind::ForgetImport => "remove import leftovers of node",
        StepKind::EnsureLink => "start a link to the primary instance",
        StepKind::EndLink => "end a link to the primary instance",
        StepKind::SetReseeding => "choose shards to seed anew",
        StepKind::ClearPoint => "clear the point of node",
        StepKind::RecordDetached => "record the detachment",
        StepKind::SwitchOver => "change places with the primary instance",
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

fn restless_node(node: &Node<'_>, attempt: Attempt) -> Option<Failure> {
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
        "node {} was started {} times and never served: {end}; remove the cause, then {}",
        node.serial(),
        history.starts,
        attempt.again()
    );
    Some(Failure { code: FailureCode::FailedPrecondition, message })
}

fn overdue(cluster: &Cluster<'_>, proposal: &Proposal<'_>) -> Option<Failure> {
    let import = cluster.desired.importing().map_or(Duration::ZERO, |_| DEADLINE_IMPORT);
    let limit = DEADLINE_BASE + DEADLINE_PER_NODE * cluster.desired.spec.node_count() + import;
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
