//! A node as administrators see it: what was set aside for it, and what was seen of it.

use admin_proto::v1::{self, EngineState, Migration, Node, Role};
use valkyard_model::{
    EngineConfigKey, EngineSeen, LinkState, MigrationDirection, MigrationState, NodeAllocation, NodeId, NodeObservation,
    NodeSerial, OpenSlot, ProcessState, RoleSeen, Seen, SlotSet, Standing, WaitingOn,
};

use super::findings::Findings;
use crate::waiting;

pub(super) fn node_message(findings: &Findings, node: &NodeAllocation) -> Node {
    let mut message = allocated(findings, node);
    let waiting = findings.waiting_on.iter().filter(|waiting| node_of(waiting) == Some(node.serial));
    message.waiting_on = waiting.map(waiting::reason).collect();
    if let Some(seen) = findings.node(node.serial) {
        add_process(&mut message, seen);
        message.engine = engine_state(&seen.engine).into();
        if let Some(engine) = seen.engine.known() {
            add_engine(&mut message, findings, engine);
        }
    }
    message
}

fn allocated(findings: &Findings, node: &NodeAllocation) -> Node {
    let desired = &findings.desired;
    Node {
        instance: desired.name.to_string(),
        serial: node.serial.to_string(),
        id: node.id.to_string(),
        shard: node.shard.0.into(),
        address: format!("{}:{}", desired.address.ip, node.port),
        bus_port: node.bus_port.0.into(),
        zone: node.zone.to_string(),
        node_type: node.kind.node_type.to_string(),
        engine_version: node.kind.engine_version.to_string(),
        standing: match node.standing {
            Standing::Member => v1::Standing::Member,
            Standing::Retiring => v1::Standing::Retiring,
        }
        .into(),
        maxmemory_bytes: whole(desired.maxmemory.0),
        ..Node::default()
    }
}

fn add_process(message: &mut Node, seen: &NodeObservation) {
    let (state, pid) = match &seen.process {
        Seen::Known(process) => match process.state {
            ProcessState::Running => (v1::ProcessState::Running, Some(process.pid)),
            ProcessState::Stopped => (v1::ProcessState::Frozen, Some(process.pid)),
        },
        Seen::Absent => (v1::ProcessState::Ended, None),
        Seen::Unknown => (v1::ProcessState::Unspecified, None),
    };
    message.process = state.into();
    message.pid = pid.map(|pid| pid.0);
    message.starts = i32::try_from(seen.history.starts).unwrap_or(i32::MAX);
    message.last_exit = seen.history.last_exit.as_ref().map(|exit| exit.status.clone()).unwrap_or_default();
}

fn engine_state(engine: &Seen<EngineSeen>) -> EngineState {
    match engine {
        Seen::Known(engine) if engine.loading => EngineState::Loading,
        Seen::Known(engine) if engine.cluster_ok => EngineState::Ready,
        Seen::Known(_) => EngineState::Joining,
        Seen::Absent => EngineState::Refusing,
        Seen::Unknown => EngineState::Unspecified,
    }
}

fn add_engine(message: &mut Node, findings: &Findings, engine: &EngineSeen) {
    match &engine.role {
        RoleSeen::Primary => message.role = Role::Primary.into(),
        RoleSeen::Replica { of, link } => {
            message.role = Role::Replica.into();
            message.link = link_message(*link).into();
            let primary = findings.serial_of(of);
            message.replica_of = serial_text(primary);
            let ahead = primary.and_then(|serial| findings.engine(serial)).map(|primary| primary.replication_offset);
            message.lag_bytes = ahead.map(|ahead| whole(ahead.saturating_sub(engine.replication_offset)));
        }
    }
    message.binary_version = engine.version.to_string();
    message.replication_offset = whole(engine.replication_offset);
    message.keys = whole(engine.keys);
    message.data_bytes = whole(engine.data.0);
    if let Some(maxmemory) = engine.settings.number(EngineConfigKey::Maxmemory) {
        message.maxmemory_bytes = whole(maxmemory);
    }
    message.slots = engine.slots.to_string();
    message.slot_count = engine.slots.count().into();
    message.migrations = migrations(findings, engine);
}

/// The atomic ones that run, and the slots that go by keys, one entry for each other end.
fn migrations(findings: &Findings, engine: &EngineSeen) -> Vec<Migration> {
    use v1::migration::{Direction, Way};
    let message = |way: Way, direction: Direction, peer: &NodeId, slots: &SlotSet| Migration {
        way: way.into(),
        direction: direction.into(),
        peer: serial_text(findings.serial_of(peer)),
        slots: slots.to_string(),
        slot_count: slots.count().into(),
    };
    let running = engine.migrations.iter().filter(|seen| seen.state == MigrationState::Running);
    let mut found: Vec<Migration> = running
        .map(|seen| {
            let direction = match seen.direction {
                MigrationDirection::Export => Direction::Export,
                MigrationDirection::Import => Direction::Import,
            };
            message(Way::Atomic, direction, &seen.peer, &seen.slots)
        })
        .collect();
    let mut ends: Vec<&OpenSlot> = Vec::new();
    for end in engine.open_slots.values() {
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    for end in ends {
        let open = engine.open_slots.iter().filter(|(_, other)| *other == end);
        let slots: SlotSet = open.map(|(slot, _)| *slot).collect();
        let (direction, peer) = match end {
            OpenSlot::MigratingTo(peer) => (Direction::Export, peer),
            OpenSlot::ImportingFrom(peer) => (Direction::Import, peer),
        };
        found.push(message(Way::ByKeys, direction, peer, &slots));
    }
    found
}

fn link_message(link: LinkState) -> v1::LinkState {
    match link {
        LinkState::Up => v1::LinkState::LinkUp,
        LinkState::Syncing => v1::LinkState::LinkSyncing,
        LinkState::Down => v1::LinkState::LinkDown,
    }
}

/// The node that is waited for, if it is one.
fn node_of(waiting: &WaitingOn) -> Option<NodeSerial> {
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
        | WaitingOn::Certainty(node) => Some(*node),
        WaitingOn::Retry { node, .. } => *node,
        WaitingOn::HeirToBeReady(_)
        | WaitingOn::SlotsToMove { .. }
        | WaitingOn::RoomIn(_)
        | WaitingOn::SnapshotOf(_)
        | WaitingOn::BackupSourceOf(_)
        | WaitingOn::BackupToBeTaken { .. }
        | WaitingOn::DataToImport { .. }
        | WaitingOn::WorkToStop
        | WaitingOn::SourceToAnswer
        | WaitingOn::Reseeding(_)
        | WaitingOn::StreamOf(_)
        | WaitingOn::LinkToEnd(_)
        | WaitingOn::Switchover
        | WaitingOn::Replacement(_)
        | WaitingOn::ZoneToReturn(_)
        | WaitingOn::FailoverToSettle(_) => None,
    }
}

fn serial_text(serial: Option<NodeSerial>) -> String {
    serial.map(|serial| serial.to_string()).unwrap_or_default()
}

/// Counters stay far below the limit of the wire's type.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
