//! Another primary for a shard, by agreement and with nothing lost.
//!
//! The wish goes to the loop of the instance, whose planner hands over when it is safe. The answer waits until another
//! primary was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use admin_proto::v1::{FailOverRequest, FailOverResponse, ShardFailOver};
use tokio::time::Instant;
use valkyard_model::{InstanceName, Lifecycle, NodeSerial, ShardIndex, Standing, WaitingOn};

use super::AdminError;
use super::findings::Findings;
use crate::convert::instance_name;
use crate::{ApiError, ApiState, waiting};

/// How long is waited for the other primary. By agreement it takes milliseconds; a replica that has to catch up first, seconds.
const FAIL_OVER_LIMIT: Duration = Duration::from_secs(30);
/// Gap between two looks at what the loop found: well below what a hand-over takes.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Asks for it and waits. Dropped midway, the shards that were asked for change all the same.
pub(crate) async fn fail_over(state: &ApiState, request: FailOverRequest) -> Result<FailOverResponse, ApiError> {
    let name = instance_name("name", &request.name)?;
    let findings = Findings::of(state, &name).await?;
    let before = primaries(&findings, request.shard)?;
    for (shard, from) in &before {
        state.supervisor.request_handover(name.clone(), *shard, *from).await;
    }
    settle(state, name, before).await
}

/// The primaries that are to be replaced.
fn primaries(findings: &Findings, wanted: Option<i32>) -> Result<BTreeMap<ShardIndex, NodeSerial>, ApiError> {
    let name = || findings.desired.name.clone();
    match findings.desired.lifecycle {
        Lifecycle::Present => {}
        Lifecycle::Deleting | Lifecycle::Abandoned { .. } => return Err(AdminError::BeingDeleted { name: name() }.into()),
    }
    let shards = findings.shards();
    let shards: BTreeSet<ShardIndex> = match wanted {
        // Those that join or leave have nothing to hand over yet, or give it away.
        None => shards
            .into_iter()
            .filter(|shard| shard.0 < findings.desired.spec.shard_count && owns_slots(findings, *shard))
            .collect(),
        Some(number) => {
            let shard = u16::try_from(number).ok().map(ShardIndex).filter(|shard| shards.contains(shard));
            let last = shards.last().map_or(0, |shard| shard.0);
            let refusal = || ApiError::invalid("shard", format!("there is no shard {number}; the instance has 0 to {last}"));
            [shard.ok_or_else(refusal)?].into()
        }
    };
    if findings.observed.is_none() {
        return Err(AdminError::NotSeenYet { name: name() }.into());
    }
    let primary = |shard: ShardIndex| {
        let from = findings.primary(shard).ok_or_else(|| AdminError::NoPrimary { name: name(), shard })?;
        let mut others = findings.desired.nodes.values().filter(|node| node.shard == shard && node.serial != from);
        let has_heir = others.any(|node| node.standing == Standing::Member);
        if has_heir { Ok((shard, from)) } else { Err(AdminError::NoReplica { name: name(), shard }.into()) }
    };
    shards.into_iter().map(primary).collect()
}

fn owns_slots(findings: &Findings, shard: ShardIndex) -> bool {
    let primary = findings.primary(shard).and_then(|primary| findings.engine(primary));
    primary.is_none_or(|engine| !engine.slots.is_empty())
}

async fn settle(
    state: &ApiState,
    name: InstanceName,
    before: BTreeMap<ShardIndex, NodeSerial>,
) -> Result<FailOverResponse, ApiError> {
    let deadline = Instant::now() + FAIL_OVER_LIMIT;
    loop {
        let findings = Findings::of(state, &name).await?;
        let changed = |(shard, from): (&ShardIndex, &NodeSerial)| {
            let to = findings.primary(*shard).filter(|to| to != from)?;
            Some(ShardFailOver { shard: shard.0.into(), from: from.to_string(), to: to.to_string() })
        };
        let shards: Vec<ShardFailOver> = before.iter().filter_map(changed).collect();
        if shards.len() == before.len() {
            return Ok(FailOverResponse { shards });
        }
        if Instant::now() >= deadline {
            return Err(too_slow(&findings, &before).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn too_slow(findings: &Findings, before: &BTreeMap<ShardIndex, NodeSerial>) -> AdminError {
    let has_changed = |shard: ShardIndex, from: NodeSerial| findings.primary(shard).is_some_and(|to| to != from);
    let reasons = |shard: ShardIndex| {
        let concern = findings.waiting_on.iter().filter(|waiting| concerns(findings, waiting, shard));
        concern.map(waiting::reason).collect()
    };
    let stayed = before.iter().filter(|(shard, from)| !has_changed(**shard, **from));
    let done = before.iter().filter(|(shard, from)| has_changed(**shard, **from));
    AdminError::FailOverTooSlow {
        name: findings.desired.name.clone(),
        stayed: stayed.map(|(shard, from)| (*shard, *from, reasons(*shard))).collect(),
        done: done.map(|(shard, _)| *shard).collect(),
        limit_secs: FAIL_OVER_LIMIT.as_secs(),
    }
}

/// Whether a reason is about this shard, or a node of it.
fn concerns(findings: &Findings, waiting: &WaitingOn, shard: ShardIndex) -> bool {
    let is_of_shard = |node: &NodeSerial| findings.desired.nodes.get(node).is_some_and(|node| node.shard == shard);
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
        | WaitingOn::Certainty(node) => is_of_shard(node),
        WaitingOn::Retry { node, .. } => node.as_ref().is_some_and(is_of_shard),
        WaitingOn::HeirToBeReady(of)
        | WaitingOn::RoomIn(of)
        | WaitingOn::SnapshotOf(of)
        | WaitingOn::BackupSourceOf(of)
        | WaitingOn::Replacement(of)
        | WaitingOn::Reseeding(of)
        | WaitingOn::StreamOf(of)
        | WaitingOn::LinkToEnd(of)
        | WaitingOn::FailoverToSettle(of) => *of == shard,
        WaitingOn::SlotsToMove { from, to, .. } => *from == shard || *to == shard,
        WaitingOn::ZoneToReturn(_) => true,
        WaitingOn::BackupToBeTaken { .. }
        | WaitingOn::DataToImport { .. }
        | WaitingOn::SourceToAnswer
        | WaitingOn::Switchover
        | WaitingOn::WorkToStop => false,
    }
}
