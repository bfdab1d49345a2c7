//! What a running operation waits for, in words: `OperationMetadata.status_message`. Read by people while they wait.

use std::fmt::Display;

use valkyard_model::{Condition, FaultKind, ShardIndex, WaitingOn};

use crate::bytes::share;

/// Longest message: two lines of a terminal, so that a line of `terraform apply` stays readable.
const MESSAGE_CHARS_MAX: usize = 200;
/// Nodes or shards named in one reason; the rest is counted.
const NAMES_MAX: usize = 4;

/// Where it is said how much data work in the background has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amounts {
    /// In the reason itself.
    Inside,
    /// Beside the reasons, as numbers.
    Beside,
}

/// What the loop of an instance waits for and knows of it, the most telling first.
pub(crate) fn told(waiting_on: &[WaitingOn], conditions: &[Condition], amounts: Amounts) -> Vec<String> {
    let mut reasons = grouped(waiting_on, amounts);
    reasons.extend(conditions.iter().map(condition));
    if reasons.is_empty() {
        reasons.push("in progress".to_owned());
    }
    reasons
}

/// As many reasons as fit into one message.
pub(crate) fn joined(reasons: &[String]) -> String {
    let mut message = String::new();
    for (index, reason) in reasons.iter().enumerate() {
        let left = reasons.len() - index - 1;
        let rest = if left == 0 { String::new() } else { format!("; and {left} more") };
        let separator = if index == 0 { "" } else { "; " };
        if index > 0 && (message.len() + separator.len() + reason.len() + rest.len()) > MESSAGE_CHARS_MAX {
            return format!("{message}; and {} more", left + 1);
        }
        message = format!("{message}{separator}{reason}");
    }
    message
}

/// One reason per kind, in the order of what tells most: what is stuck, what moves, what is waited for.
fn grouped(waiting_on: &[WaitingOn], amounts: Amounts) -> Vec<String> {
    let mut kinds: Vec<(u8, Vec<&WaitingOn>)> = Vec::new();
    for waiting in waiting_on {
        let rank = rank(waiting);
        match kinds.iter_mut().find(|(other, _)| *other == rank) {
            Some((_, members)) => members.push(waiting),
            None => kinds.push((rank, vec![waiting])),
        }
    }
    kinds.sort_by_key(|(rank, _)| *rank);
    kinds.into_iter().map(|(_, members)| group(&members, amounts)).collect()
}

/// Kinds with the same rank are told together.
fn rank(waiting: &WaitingOn) -> u8 {
    match waiting {
        WaitingOn::DataToBeReadable(_) => 0,
        WaitingOn::Retry { .. } => 1,
        WaitingOn::RoomIn(_) => 2,
        WaitingOn::ZoneToReturn(_) => 3,
        WaitingOn::DataToImport { .. } => 4,
        WaitingOn::BackupToBeTaken { .. } => 5,
        WaitingOn::SlotsToMove { .. } => 6,
        WaitingOn::Replacement(_) => 7,
        WaitingOn::ReplicaToSync(_) => 8,
        WaitingOn::HeirToBeReady(_) => 9,
        WaitingOn::FailoverToSettle(_) => 10,
        WaitingOn::Certainty(_) => 11,
        WaitingOn::BackupSourceOf(_) => 12,
        WaitingOn::DataToLoad(_) => 13,
        WaitingOn::NodeToLoad(_) => 14,
        WaitingOn::NodeToAnswer(_) => 15,
        WaitingOn::SnapshotOf(_) => 16,
        WaitingOn::LogToBeWritten(_) => 17,
        WaitingOn::ClusterToAgree(_) => 18,
        WaitingOn::NodeToLeave(_) => 19,
        WaitingOn::ProcessToExit(_) => 20,
        WaitingOn::WorkToStop => 21,
        WaitingOn::SourceToAnswer => 22,
        WaitingOn::Reseeding(_) => 23,
        WaitingOn::StreamOf(_) => 24,
        WaitingOn::LinkToEnd(_) => 25,
        WaitingOn::Switchover => 26,
    }
}

fn group(members: &[&WaitingOn], amounts: Amounts) -> String {
    let first = members[0];
    let alone = || match amounts {
        Amounts::Inside => reason(first),
        Amounts::Beside => words(first),
    };
    if members.len() == 1 {
        return alone();
    }
    let names = || listed(members.iter().filter_map(|waiting| subject(waiting)));
    match first {
        WaitingOn::SlotsToMove { .. } => moves(members),
        WaitingOn::Retry { .. } => format!("{}; {} other steps wait for another try", reason(first), members.len() - 1),
        // Work in the background is told alike by everything that waits for it.
        WaitingOn::DataToImport { .. }
        | WaitingOn::BackupToBeTaken { .. }
        | WaitingOn::WorkToStop
        | WaitingOn::Switchover
        | WaitingOn::SourceToAnswer => alone(),
        WaitingOn::Reseeding(_) => format!("taking the data of shards {} from the primary instance anew", names()),
        WaitingOn::StreamOf(_) => format!("waiting for shards {} to follow the primary instance", names()),
        WaitingOn::LinkToEnd(_) => format!("waiting for shards {} to part from their former primary instance", names()),
        WaitingOn::BackupSourceOf(_) => format!("waiting for nodes of shards {} that a backup can be taken from", names()),
        WaitingOn::NodeToAnswer(_) => format!("waiting for nodes {} to answer", names()),
        WaitingOn::NodeToLoad(_) => format!("waiting for nodes {} to load their data", names()),
        WaitingOn::ClusterToAgree(_) => format!("waiting for nodes {} to call the cluster ok", names()),
        WaitingOn::ReplicaToSync(_) => format!("waiting for replicas {} to catch up", names()),
        WaitingOn::DataToBeReadable(_) => {
            format!("the data in the folders of nodes {} cannot be read and is not replaced", names())
        }
        WaitingOn::DataToLoad(_) => format!("waiting for nodes {} to come back with the data", names()),
        WaitingOn::SnapshotOf(_) => format!("waiting for snapshots of shards {}", names()),
        WaitingOn::LogToBeWritten(_) => format!("waiting for nodes {} to write their data to their logs", names()),
        WaitingOn::ProcessToExit(_) => format!("waiting for the processes of nodes {} to exit", names()),
        WaitingOn::HeirToBeReady(_) => format!("waiting for replicas of shards {} that can take over", names()),
        WaitingOn::RoomIn(_) => format!("shards {} have no room for the keys they should get", names()),
        WaitingOn::Replacement(_) => format!("replacing the nodes of shards {}", names()),
        WaitingOn::NodeToLeave(_) => format!("waiting for nodes {} to leave", names()),
        WaitingOn::ZoneToReturn(_) => format!("zones {} were taken away", names()),
        WaitingOn::FailoverToSettle(_) => format!("waiting for the failovers of shards {} to settle", names()),
        WaitingOn::Certainty(_) => format!("cannot tell whether nodes {} live", names()),
    }
}

/// The node, shard or zone a reason is about; steps, moves and work in the background have none.
fn subject(waiting: &WaitingOn) -> Option<String> {
    match waiting {
        WaitingOn::NodeToAnswer(node)
        | WaitingOn::NodeToLoad(node)
        | WaitingOn::ClusterToAgree(node)
        | WaitingOn::ReplicaToSync(node)
        | WaitingOn::ProcessToExit(node)
        | WaitingOn::NodeToLeave(node)
        | WaitingOn::LogToBeWritten(node)
        | WaitingOn::DataToBeReadable(node)
        | WaitingOn::DataToLoad(node)
        | WaitingOn::Certainty(node) => Some(node.to_string()),
        WaitingOn::HeirToBeReady(shard)
        | WaitingOn::RoomIn(shard)
        | WaitingOn::SnapshotOf(shard)
        | WaitingOn::BackupSourceOf(shard)
        | WaitingOn::Replacement(shard)
        | WaitingOn::Reseeding(shard)
        | WaitingOn::StreamOf(shard)
        | WaitingOn::LinkToEnd(shard)
        | WaitingOn::FailoverToSettle(shard) => Some(shard.to_string()),
        WaitingOn::ZoneToReturn(zone) => Some(zone.to_string()),
        WaitingOn::SlotsToMove { .. }
        | WaitingOn::Retry { .. }
        | WaitingOn::DataToImport { .. }
        | WaitingOn::BackupToBeTaken { .. }
        | WaitingOn::SourceToAnswer
        | WaitingOn::Switchover
        | WaitingOn::WorkToStop => None,
    }
}

fn moves(members: &[&WaitingOn]) -> String {
    let mut counts: Vec<((ShardIndex, ShardIndex), u32)> = Vec::new();
    for waiting in members {
        let WaitingOn::SlotsToMove { from, to, count } = waiting else { continue };
        match counts.iter_mut().find(|(way, _)| *way == (*from, *to)) {
            Some((_, sum)) => *sum += u32::from(*count),
            None => counts.push(((*from, *to), u32::from(*count))),
        }
    }
    let way = |((from, to), count): ((ShardIndex, ShardIndex), u32)| (count, format!("{count} from {from} to {to}"));
    let ways: Vec<(u32, String)> = counts.into_iter().map(way).collect();
    let total: u32 = ways.iter().map(|(count, _)| count).sum();
    format!("moving {total} slots ({})", listed(ways.into_iter().map(|(_, way)| way)))
}

fn listed(names: impl Iterator<Item = impl Display>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    let shown = names.len().min(NAMES_MAX);
    let text = names[..shown].join(", ");
    if shown == names.len() { text } else { format!("{text} and {} more", names.len() - shown) }
}

/// One reason in words, with how far it is.
pub(crate) fn reason(waiting: &WaitingOn) -> String {
    match amount(waiting) {
        Some(amount) => format!("{} ({amount})", words(waiting)),
        None => words(waiting),
    }
}

/// How much data work in the background has moved.
fn amount(waiting: &WaitingOn) -> Option<String> {
    if let WaitingOn::BackupToBeTaken { bytes, .. } = waiting {
        Some(share(*bytes, 0))
    } else if let WaitingOn::DataToImport { bytes, bytes_total } = waiting {
        Some(share(*bytes, *bytes_total))
    } else {
        None
    }
}

fn words(waiting: &WaitingOn) -> String {
    match waiting {
        WaitingOn::NodeToAnswer(node) => format!("waiting for node {node} to answer"),
        WaitingOn::NodeToLoad(node) => format!("waiting for node {node} to load its data"),
        WaitingOn::ClusterToAgree(node) => format!("waiting for node {node} to call the cluster ok"),
        WaitingOn::LogToBeWritten(node) => format!("waiting for node {node} to write its data to its log"),
        WaitingOn::SnapshotOf(shard) => format!("waiting for a snapshot of shard {shard}"),
        WaitingOn::BackupToBeTaken { shards: 1, .. } => "taking the data of 1 shard".to_owned(),
        WaitingOn::BackupToBeTaken { shards, .. } => format!("taking the data of {shards} shards"),
        WaitingOn::DataToImport { .. } => "putting the first data in place".to_owned(),
        WaitingOn::BackupSourceOf(shard) => format!("waiting for a node of shard {shard} that a backup can be taken from"),
        WaitingOn::SourceToAnswer => "waiting for the primary instance, every shard of which has to serve".to_owned(),
        WaitingOn::Reseeding(shard) => format!("taking the data of shard {shard} from the primary instance anew"),
        WaitingOn::StreamOf(shard) => format!("waiting for shard {shard} to follow the primary instance"),
        WaitingOn::LinkToEnd(shard) => format!("waiting for shard {shard} to part from its former primary instance"),
        WaitingOn::Switchover => "changing places with the other members of the replication".to_owned(),
        WaitingOn::WorkToStop => "waiting for other work on its data to stop".to_owned(),
        WaitingOn::DataToBeReadable(node) => {
            format!(
                "the data in the folder of node {node} cannot be read and is not replaced; mend it, or remove it to begin without"
            )
        }
        WaitingOn::DataToLoad(node) => format!("waiting for node {node} to come back with the data"),
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
        FaultKind::BadData => "the data cannot be used",
        FaultKind::Transient => "it failed, perhaps for a moment",
    }
}

/// One condition in words.
pub(crate) fn condition(condition: &Condition) -> String {
    match condition {
        Condition::ShardDown(shard) => format!("shard {shard} has no serving primary"),
        Condition::ShardDegraded(shard) => format!("shard {shard} has fewer replicas in sync than asked for"),
        Condition::DataLost(shard) => format!("shard {shard} lost its data and starts empty"),
        Condition::DataUnreadable(node, words) => format!("the data in the folder of node {node} cannot be read: {words}"),
        Condition::LogTorn(node, words) => format!("the torn end of the log of node {node} was dropped: {words}"),
        Condition::NotFollowing(shard, words) => format!("shard {shard} does not follow the primary instance: {words}"),
        Condition::BeingReseeded(shard) => {
            format!("shard {shard} gets its data from the primary instance anew and serves nothing")
        }
        Condition::NotSaved(node) => format!("node {node} failed to write its data to the disk"),
    }
}

#[cfg(test)]
mod tests;
