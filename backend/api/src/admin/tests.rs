//! Topologies of a made-up instance: one shard, a primary and a replica.

use std::collections::BTreeMap;
use std::sync::Arc;

use admin_proto::v1::migration::{Direction, Way};
use admin_proto::v1::{self, EngineState, Role, ShardState, Topology};
use uuid::Uuid;
use valkyard_model::{
    AdminSecret, BinaryVersion, ByteSize, Condition, ConfigEpoch, Convergence, DesiredInstance, EngineSeen, EngineVersion,
    FilesSeen, Generation, InitialRole, InstanceAddress, Lifecycle, LinkState, LiveSettings, NodeAllocation, NodeHistory, NodeId,
    NodeObservation, NodeSerial, Observation, OpenSlot, PersistenceSeen, Pid, Port, ProcessSeen, ProcessState, RoleSeen, Seen,
    Settled, ShardIndex, Slot, SlotRange, SlotSet, SpecDraft, SpecLimits, Standing, Timestamp, Uid, WaitingOn, Zone, validate,
};

use super::findings::Findings;
use super::topology::topology_message;

const SHARD: ShardIndex = ShardIndex(0);
const PRIMARY: NodeSerial = NodeSerial(0);
const REPLICA: NodeSerial = NodeSerial(1);

fn node_id(serial: NodeSerial) -> NodeId {
    format!("{:040x}", serial.0 + 1).parse().expect("40 hex digits")
}

fn time() -> Timestamp {
    Timestamp::from_timestamp(1_767_225_600, 0).expect("a time of this century")
}

fn desired() -> DesiredInstance {
    let name: valkyard_model::InstanceName = "projects/p/locations/us-central1/instances/cache".parse().expect("a name");
    let limits = SpecLimits { engine_versions: vec![EngineVersion { major: 9, minor: 1 }], engine_hint: String::new() };
    let draft = SpecDraft { shard_count: 1, replica_count: Some(1), ..SpecDraft::default() };
    let spec = validate(draft, &name.location, &limits).expect("a valid spec");
    let zones = Zone::all_of(&name.location);
    let node = |serial: NodeSerial, zone: &Zone| NodeAllocation {
        serial,
        id: node_id(serial),
        shard: SHARD,
        initial_role: InitialRole::Replica,
        zone: zone.clone(),
        port: Port(11_000),
        bus_port: Port(12_000),
        kind: spec.kind(),
        standing: Standing::Member,
    };
    DesiredInstance {
        uid: Uid(Uuid::from_u128(1)),
        generation: Generation(2),
        shape_generation: Generation(1),
        convergence: Convergence::At { generation: Generation(2) },
        lifecycle: Lifecycle::Present,
        settled: Some(Settled { spec: spec.clone(), maxmemory: ByteSize(1 << 20) }),
        maxmemory: ByteSize(1 << 20),
        address: InstanceAddress::shared_ip(0).expect("an address"),
        nodes: [(PRIMARY, node(PRIMARY, &zones[0])), (REPLICA, node(REPLICA, &zones[1]))].into(),
        next_serial: NodeSerial(2),
        secret: AdminSecret::from_random([7; 32]),
        zones_out: [zones[2].clone()].into(),
        losses: Vec::new(),
        backup: None,
        has_backups: false,
        create_time: time(),
        update_time: time(),
        name,
        spec,
        replication: valkyard_model::Replication::default(),
    }
}

fn engine(serial: NodeSerial, role: RoleSeen, offset: u64) -> EngineSeen {
    let slots = match role {
        RoleSeen::Primary => SlotRange::new(0, 16_383).into_iter().collect(),
        RoleSeen::Replica { .. } => SlotSet::default(),
    };
    EngineSeen {
        id: node_id(serial),
        version: BinaryVersion { major: 9, minor: 1, patch: 2 },
        role,
        cluster_ok: true,
        loading: false,
        epoch: ConfigEpoch(1),
        current_epoch: ConfigEpoch(1),
        slots,
        replication_offset: offset,
        history: valkyard_model::HistoryNames::default(),
        keys: 3,
        data: ByteSize(300),
        libraries: 0,
        settings: LiveSettings::default(),
        persistence: PersistenceSeen::default(),
        migrations: Vec::new(),
        open_slots: BTreeMap::new(),
        peers: BTreeMap::new(),
        part: valkyard_model::PartSeen::default(),
    }
}

fn seen(engine: EngineSeen) -> NodeObservation {
    NodeObservation {
        files: Seen::Known(FilesSeen::default()),
        process: Seen::Known(ProcessSeen { pid: Pid(77), state: ProcessState::Running }),
        engine: Seen::Known(engine),
        history: NodeHistory::default(),
    }
}

/// Both nodes answer; the replica is 40 bytes behind.
fn observed() -> Observation {
    let primary = engine(PRIMARY, RoleSeen::Primary, 100);
    let replica = engine(REPLICA, RoleSeen::Replica { of: node_id(PRIMARY), link: LinkState::Up }, 60);
    Observation {
        at: time(),
        first_look: time(),
        nodes: [(PRIMARY, seen(primary)), (REPLICA, seen(replica))].into(),
        discovery: Seen::Absent,
        handovers: [].into(),
        backup: None,
        import: None,
        faults: Vec::new(),
        replication: valkyard_model::ReplicationSeen::default(),
    }
}

fn shown(observed: Option<Observation>, waiting_on: Vec<WaitingOn>, conditions: Vec<Condition>) -> Topology {
    topology_message(&Findings { desired: desired(), observed: observed.map(Arc::new), waiting_on, conditions })
}

#[test]
fn roles_lag_and_slots_come_from_the_last_look() {
    let topology = shown(Some(observed()), vec![], vec![]);
    let shard = &topology.shards[0];
    assert_eq!((shard.state(), shard.slots.as_str(), shard.slot_count), (ShardState::Serving, "0-16383", 16_384));
    assert_eq!((shard.primary.as_str(), &shard.replicas, shard.replicas_in_sync), ("n0", &vec!["n1".to_owned()], 1));
    let [primary, replica] = topology.nodes.as_slice() else { panic!("two nodes: {topology:?}") };
    assert_eq!((primary.role(), primary.lag_bytes, primary.pid), (Role::Primary, None, Some(77)));
    assert_eq!((replica.role(), replica.replica_of.as_str(), replica.lag_bytes), (Role::Replica, "n0", Some(40)));
    assert_eq!(
        (replica.link(), replica.engine(), replica.zone.as_str()),
        (v1::LinkState::LinkUp, EngineState::Ready, "us-central1-b")
    );
    assert_eq!(topology.zones_out, ["us-central1-c"]);
    assert_eq!(topology.settled, topology.target);
}

#[test]
fn before_the_first_look_nothing_is_said_of_what_runs() {
    let topology = shown(None, vec![], vec![]);
    assert_eq!((topology.seen_at, topology.shards[0].state()), (None, ShardState::Unspecified));
    let node = &topology.nodes[0];
    assert_eq!((node.role(), node.process(), node.pid), (Role::Unspecified, v1::ProcessState::Unspecified, None));
    assert!(!node.address.is_empty(), "what was set aside is known: {node:?}");
}

#[test]
fn a_shard_whose_primary_is_not_seen_is_down_and_a_frozen_process_is_frozen() {
    let mut look = observed();
    let node = look.nodes.get_mut(&PRIMARY).expect("it is there");
    node.engine = Seen::Unknown;
    node.process = Seen::Known(ProcessSeen { pid: Pid(77), state: ProcessState::Stopped });
    let topology = shown(Some(look), vec![WaitingOn::NodeToAnswer(PRIMARY)], vec![Condition::ShardDown(SHARD)]);
    assert_eq!((topology.shards[0].state(), topology.shards[0].primary.as_str()), (ShardState::Down, ""));
    let [primary, replica] = topology.nodes.as_slice() else { panic!("two nodes: {topology:?}") };
    assert_eq!((primary.process(), primary.engine()), (v1::ProcessState::Frozen, EngineState::Unspecified));
    assert_eq!(primary.waiting_on, ["waiting for node n0 to answer"]);
    assert!(replica.waiting_on.is_empty() && replica.lag_bytes.is_none(), "{replica:?}");
    assert_eq!(topology.conditions[0].kind(), v1::condition::Kind::ShardDown);
}

#[test]
fn a_degraded_shard_says_so() {
    let topology = shown(Some(observed()), vec![], vec![Condition::ShardDegraded(SHARD)]);
    assert_eq!(topology.shards[0].state(), ShardState::Degraded);
}

#[test]
fn open_slots_are_one_migration_by_keys_for_each_other_end() {
    let mut look = observed();
    let Seen::Known(primary) = &mut look.nodes.get_mut(&PRIMARY).expect("it is there").engine else { panic!("it answers") };
    let slot = |number| Slot::new(number).expect("a slot");
    for number in [5, 6, 9] {
        primary.open_slots.insert(slot(number), OpenSlot::MigratingTo(node_id(REPLICA)));
    }
    let topology = shown(Some(look), vec![], vec![]);
    let [migration] = topology.nodes[0].migrations.as_slice() else { panic!("one: {topology:?}") };
    assert_eq!((migration.way(), migration.direction()), (Way::ByKeys, Direction::Export));
    assert_eq!((migration.peer.as_str(), migration.slots.as_str(), migration.slot_count), ("n1", "5-6 9", 3));
}
