//! What one instance is made of, and why it is not yet as asked.

use admin_proto::v1::condition::Kind;
use admin_proto::v1::{self, FailedStep, GetTopologyRequest, InstanceState, Shape, Topology};
use memorystore_proto::v1::instance::State;
use valkyard_model::{ByteSize, Condition, DataLoss, DesiredInstance, Fault, InstanceSpec, NodeSerial, ShardIndex, Zone};

use super::findings::Findings;
use super::node_message::{node_message, whole};
use super::shard_message::shard_message;
use crate::convert::{instance_name, instance_state, timestamp_message};
use crate::{ApiError, ApiState, waiting};

/// The topology of an instance, as it was seen last.
pub(crate) async fn topology(state: &ApiState, request: GetTopologyRequest) -> Result<Topology, ApiError> {
    let name = instance_name("name", &request.name)?;
    Ok(topology_message(&Findings::of(state, &name).await?))
}

pub(super) fn topology_message(findings: &Findings) -> Topology {
    let desired = &findings.desired;
    let settled = desired.settled.as_ref();
    let faults = findings.observed.as_ref().map(|observed| observed.faults.as_slice()).unwrap_or_default();
    Topology {
        instance: desired.name.to_string(),
        state: state_message(instance_state(desired)).into(),
        generation: whole(desired.generation.0),
        seen_at: findings.observed.as_ref().map(|observed| timestamp_message(observed.at)),
        discovery_endpoint: desired.address.discovery_endpoint().to_string(),
        shards: findings.shards().into_iter().map(|shard| shard_message(findings, shard)).collect(),
        nodes: desired.nodes.values().map(|node| node_message(findings, node)).collect(),
        waiting_on: findings.waiting_on.iter().map(waiting::reason).collect(),
        conditions: findings.conditions.iter().map(|condition| condition_message(desired, condition)).collect(),
        losses: desired.losses.iter().map(loss_message).collect(),
        target: Some(shape(&desired.spec, desired.maxmemory)),
        settled: settled.map(|settled| shape(&settled.spec, settled.maxmemory)),
        failed_steps: faults.iter().map(fault_message).collect(),
        zones_out: desired.zones_out.iter().map(Zone::to_string).collect(),
    }
}

fn state_message(state: State) -> InstanceState {
    match state {
        State::Creating => InstanceState::Creating,
        State::Active => InstanceState::Active,
        State::Updating => InstanceState::Updating,
        State::Deleting => InstanceState::Deleting,
        State::Unspecified | State::Migrating => InstanceState::Unspecified,
    }
}

fn shape(spec: &InstanceSpec, maxmemory: ByteSize) -> Shape {
    Shape {
        shard_count: spec.shard_count.into(),
        replica_count: spec.replica_count.into(),
        node_type: spec.node_type.to_string(),
        engine_version: spec.engine_version.to_string(),
        engine_configs: spec.engine_configs.iter().map(|(key, value)| (key.to_string(), value.to_owned())).collect(),
        maxmemory_bytes: whole(maxmemory.0),
        persistence: spec.persistence.to_string(),
    }
}

fn condition_message(desired: &DesiredInstance, condition: &Condition) -> v1::Condition {
    let (kind, shard, node) = match condition {
        Condition::ShardDown(shard) => (Kind::ShardDown, Some(*shard), None),
        Condition::ShardDegraded(shard) => (Kind::ShardDegraded, Some(*shard), None),
        Condition::DataLost(shard) => (Kind::DataLost, Some(*shard), None),
        Condition::DataUnreadable(node, _) => (Kind::DataUnreadable, None, Some(*node)),
        Condition::LogTorn(node, _) => (Kind::LogTorn, None, Some(*node)),
        Condition::NotFollowing(shard, _) => (Kind::NotFollowing, Some(*shard), None),
        Condition::BeingReseeded(shard) => (Kind::BeingReseeded, Some(*shard), None),
        Condition::NotSaved(node) => (Kind::NotSaved, None, Some(*node)),
    };
    let shard_of = |node: NodeSerial| desired.nodes.get(&node).map(|node| node.shard);
    let shard = shard.or_else(|| shard_of(node?)).unwrap_or(ShardIndex(0));
    v1::Condition {
        kind: kind.into(),
        shard: shard.0.into(),
        text: waiting::condition(condition),
        node: node.map(|node| node.to_string()).unwrap_or_default(),
    }
}

fn loss_message(loss: &DataLoss) -> v1::DataLoss {
    v1::DataLoss {
        shard: loss.shard.0.into(),
        time: Some(timestamp_message(loss.at)),
        restored_to: loss.restored_to.map(timestamp_message),
    }
}

fn fault_message(fault: &Fault) -> FailedStep {
    FailedStep {
        step: fault.step.to_string(),
        node: fault.node.map(|node| node.to_string()).unwrap_or_default(),
        error: fault.detail.clone(),
        attempts: i32::try_from(fault.attempts).unwrap_or(i32::MAX),
        last: Some(timestamp_message(fault.last)),
    }
}
