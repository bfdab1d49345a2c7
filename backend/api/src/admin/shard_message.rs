//! A shard as administrators see it.

use admin_proto::v1::{Shard, ShardState};
use valkyard_model::{Condition, LinkState, NodeSerial, RoleSeen, ShardIndex};

use super::findings::Findings;

pub(super) fn shard_message(findings: &Findings, shard: ShardIndex) -> Shard {
    let primary = findings.primary(shard);
    let slots = primary.and_then(|serial| findings.engine(serial)).map(|engine| engine.slots.clone()).unwrap_or_default();
    let is_replica =
        |serial: &NodeSerial| findings.engine(*serial).is_some_and(|engine| matches!(engine.role, RoleSeen::Replica { .. }));
    let is_in_sync = |serial: &NodeSerial| {
        let link = findings.engine(*serial).map(|engine| &engine.role);
        matches!(link, Some(RoleSeen::Replica { link: LinkState::Up, .. }))
    };
    let members = findings.desired.nodes.values().filter(|node| node.shard == shard);
    let replicas: Vec<NodeSerial> = members.map(|node| node.serial).filter(is_replica).collect();
    let in_sync = replicas.iter().filter(|serial| is_in_sync(serial)).count();
    Shard {
        index: shard.0.into(),
        state: shard_state(findings, shard, primary).into(),
        slots: slots.to_string(),
        slot_count: slots.count().into(),
        primary: primary.map(|serial| serial.to_string()).unwrap_or_default(),
        replicas: replicas.iter().map(NodeSerial::to_string).collect(),
        replicas_in_sync: i32::try_from(in_sync).expect("a shard has fewer than 250 nodes"),
    }
}

fn shard_state(findings: &Findings, shard: ShardIndex, primary: Option<NodeSerial>) -> ShardState {
    let is_ok = primary.and_then(|serial| findings.engine(serial)).is_some_and(|engine| engine.cluster_ok);
    if findings.observed.is_none() {
        ShardState::Unspecified
    } else if !is_ok || findings.conditions.contains(&Condition::ShardDown(shard)) {
        ShardState::Down
    } else if findings.conditions.contains(&Condition::ShardDegraded(shard)) {
        ShardState::Degraded
    } else {
        ShardState::Serving
    }
}
