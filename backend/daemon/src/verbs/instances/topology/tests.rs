//! The text of a topology.

use admin_proto::v1::migration::{Direction, Way};
use admin_proto::v1::{
    Condition, DataLoss, EngineState, FailedStep, InstanceState, LinkState, Migration, Node, ProcessState, Role, ShardState,
    Standing,
};

use super::*;

fn shape(shard_count: i32) -> Shape {
    Shape {
        shard_count,
        replica_count: 1,
        node_type: "STANDARD_SMALL".to_owned(),
        engine_version: "VALKEY_9_1".to_owned(),
        engine_configs: [("maxclients".to_owned(), "1000".to_owned())].into(),
        maxmemory_bytes: 512 << 20,
        persistence: "AOF EVERY_SEC".to_owned(),
    }
}

fn node(serial: &str, role: Role, replica_of: &str) -> Node {
    Node {
        serial: serial.to_owned(),
        role: role.into(),
        replica_of: replica_of.to_owned(),
        address: "127.1.0.1:11000".to_owned(),
        zone: "us-central1-a".to_owned(),
        node_type: "STANDARD_SMALL".to_owned(),
        engine_version: "VALKEY_9_1".to_owned(),
        binary_version: "9.1.2".to_owned(),
        standing: Standing::Member.into(),
        process: ProcessState::Running.into(),
        engine: EngineState::Ready.into(),
        pid: Some(4242),
        maxmemory_bytes: 512 << 20,
        ..Node::default()
    }
}

fn amid_a_change() -> Topology {
    let migration = |direction: Direction, peer: &str| Migration {
        way: Way::Atomic.into(),
        direction: direction.into(),
        peer: peer.to_owned(),
        slots: "0-99".to_owned(),
        slot_count: 100,
    };
    let primary = Node {
        slots: "0-16383".to_owned(),
        slot_count: 16_384,
        keys: 12,
        data_bytes: 1_536,
        replication_offset: 900,
        migrations: vec![migration(Direction::Export, "n2")],
        ..node("n0", Role::Primary, "")
    };
    let replica = Node { link: LinkState::LinkUp.into(), lag_bytes: Some(14), ..node("n1", Role::Replica, "n0") };
    let target = Node { shard: 1, migrations: vec![migration(Direction::Import, "n0")], ..node("n2", Role::Primary, "") };
    Topology {
        instance: "projects/p/locations/us-central1/instances/cache".to_owned(),
        state: InstanceState::Updating.into(),
        generation: 2,
        seen_at: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 5_000_000 }),
        discovery_endpoint: "127.1.0.1:6379".to_owned(),
        shards: vec![Shard {
            index: 0,
            state: ShardState::Degraded.into(),
            slots: "0-16383".to_owned(),
            slot_count: 16_384,
            primary: "n0".to_owned(),
            replicas: vec!["n1".to_owned()],
            replicas_in_sync: 1,
        }],
        nodes: vec![primary, replica, target],
        waiting_on: vec!["moving 8192 slots from shard s0 to shard s1".to_owned()],
        conditions: vec![Condition { text: "shard s0 has fewer replicas".to_owned(), ..Condition::default() }],
        losses: vec![DataLoss {
            shard: 0,
            time: Some(prost_types::Timestamp { seconds: 1_767_225_599, nanos: 0 }),
            restored_to: Some(prost_types::Timestamp { seconds: 1_767_225_000, nanos: 0 }),
        }],
        target: Some(shape(2)),
        settled: Some(shape(1)),
        failed_steps: vec![FailedStep {
            step: "meet".to_owned(),
            attempts: 2,
            error: "no answer".to_owned(),
            ..FailedStep::default()
        }],
        zones_out: vec!["us-central1-b".to_owned()],
    }
}

#[test]
fn a_change_shows_both_shapes_and_everything_that_is_to_be_known() {
    let wanted = "\
projects/p/locations/us-central1/instances/cache
UPDATING, generation 2, seen 2026-01-01T00:00:00.005Z
endpoint 127.1.0.1:6379
was      1 x (1 + 1)  STANDARD_SMALL  VALKEY_9_1  512.0MiB a node  AOF EVERY_SEC  maxclients=1000
becomes  2 x (1 + 1)  STANDARD_SMALL  VALKEY_9_1  512.0MiB a node  AOF EVERY_SEC  maxclients=1000

SHARD  STATE     SLOTS  PRIMARY  REPLICAS  IN SYNC  RANGES
s0     degraded  16384  n0       n1        1        0-16383

NODE  SHARD  ROLE           LIFE  ADDRESS          ZONE           KIND                  PID   SLOTS  KEYS  DATA    MAX       OFFSET  LAG
n0    s0     primary        ok    127.1.0.1:11000  us-central1-a  STANDARD_SMALL 9.1.2  4242  16384  12    1.5KiB  512.0MiB  900     -
n1    s0     replica of n0  ok    127.1.0.1:11000  us-central1-a  STANDARD_SMALL 9.1.2  4242  0      0     0B      512.0MiB  0       14
n2    s1     primary        ok    127.1.0.1:11000  us-central1-a  STANDARD_SMALL 9.1.2  4242  0      0     0B      512.0MiB  0       -

slots on their way:
  n0 -> n2: 100 slot(s) all at once: 0-99

waiting on:
  moving 8192 slots from shard s0 to shard s1

conditions:
  shard s0 has fewer replicas

data losses:
  shard s0 lost what was written after 2025-12-31T23:50:00.000Z at 2025-12-31T23:59:59.000Z

failed steps:
  meet, 2 time(s): no answer

zones away:
  us-central1-b
";
    assert_eq!(text(&amid_a_change()), wanted);
}

#[test]
fn an_instance_at_rest_shows_its_shape_once_and_no_sections() {
    let topology = Topology { settled: Some(shape(1)), target: Some(shape(1)), ..Topology::default() };
    let text = text(&topology);
    assert!(text.contains("shape    1 x (1 + 1)") && !text.contains("becomes") && !text.contains("waiting on"), "{text}");
}
