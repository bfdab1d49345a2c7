//! What a running operation waits for, in words: `OperationMetadata.status_message`. Read by people while they wait.

use valkyard_model::{Condition, FaultKind, Operation, OperationState, WaitingOn};
use valkyard_reconciler::InstanceView;

/// How many reasons are spelled out; the rest is counted.
const REASONS_MAX: usize = 3;

/// Whether the loop knows something of this operation that the store does not.
pub(crate) fn waits_for_loop(operation: &Operation) -> bool {
    match operation.state {
        OperationState::Running => true,
        OperationState::Succeeded { .. } | OperationState::Failed { .. } => false,
    }
}

/// A sentence from what the loop found last; empty once the operation has finished.
pub(crate) fn status_message(operation: &Operation, view: Option<&InstanceView>) -> String {
    if !waits_for_loop(operation) {
        return String::new();
    }
    // A look at an older generation says nothing about this request.
    let Some(view) = view.filter(|view| view.generation >= operation.generation) else {
        return "accepted".to_owned();
    };
    let reasons: Vec<String> = view.waiting_on.iter().map(reason).chain(view.conditions.iter().map(condition)).collect();
    match reasons.len() {
        0 => "in progress".to_owned(),
        count if count <= REASONS_MAX => reasons.join("; "),
        count => format!("{}; and {} more", reasons[..REASONS_MAX].join("; "), count - REASONS_MAX),
    }
}

fn reason(waiting: &WaitingOn) -> String {
    match waiting {
        WaitingOn::NodeToAnswer(node) => format!("waiting for node {node} to answer"),
        WaitingOn::NodeToLoad(node) => format!("waiting for node {node} to load its data"),
        WaitingOn::ClusterToAgree(node) => format!("waiting for node {node} to call the cluster ok"),
        WaitingOn::ReplicaToSync(node) => format!("waiting for replica {node} to catch up"),
        WaitingOn::ProcessToExit(node) => format!("waiting for the process of node {node} to exit"),
        WaitingOn::HeirToBeReady(shard) => format!("waiting for a replica of shard {shard} that can take over"),
        WaitingOn::SlotsToMove { from, to, count } => format!("moving {count} slots from shard {from} to shard {to}"),
        WaitingOn::RoomIn(shard) => format!("shard {shard} has no room for the keys it should get"),
        WaitingOn::Replacement(shard) => format!("replacing the nodes of shard {shard}"),
        WaitingOn::NodeToLeave(node) => format!("waiting for node {node} to leave"),
        WaitingOn::ZoneToReturn(zone) => format!("zone {zone} was taken away"),
        WaitingOn::FailoverToSettle(shard) => format!("waiting for the failover of shard {shard} to settle"),
        WaitingOn::Certainty(node) => format!("cannot tell whether node {node} lives"),
        WaitingOn::Retry { step, node: Some(node), kind } => format!("will try again to {step} (node {node}): {}", fault(*kind)),
        WaitingOn::Retry { step, node: None, kind } => format!("will try again to {step}: {}", fault(*kind)),
    }
}

fn fault(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::DiskFull => "the disk is full",
        FaultKind::PermissionDenied => "permission was denied",
        FaultKind::AddressInUse => "an address is in use by another program",
        FaultKind::EngineMissing => "the engine cannot be started",
        FaultKind::Transient => "it failed, perhaps for a moment",
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::ShardDown(shard) => format!("shard {shard} has no serving primary"),
        Condition::ShardDegraded(shard) => format!("shard {shard} has fewer replicas in sync than asked for"),
        Condition::DataLost(shard) => format!("shard {shard} lost its data and starts empty"),
    }
}
