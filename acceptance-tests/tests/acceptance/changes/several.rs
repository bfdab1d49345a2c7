//! Several changes in one apply: one operation, ordered by the planner.

use acceptance_tests::info_of;

use super::apply_under_load;

#[test]
fn shards_replicas_size_version_and_settings_change_in_one_apply() {
    let steps = [
        "shard_count = 2\n  replica_count = 0\n  node_type = \"SHARED_CORE_NANO\"\n  engine_version = \"VALKEY_8_0\"",
        "shard_count = 3\n  replica_count = 1\n  node_type = \"STANDARD_SMALL\"\n  engine_version = \"VALKEY_9_1\"\n  \
         engine_configs = { \"maxmemory-policy\" = \"allkeys-lru\" }",
        "shard_count = 2\n  replica_count = 0\n  node_type = \"SHARED_CORE_NANO\"\n  engine_version = \"VALKEY_9_1\"",
    ];
    apply_under_load(&steps, |scene, number| {
        let policy = info_of(&scene.primaries()[0].listed.address, "memory", "maxmemory_policy").expect("it answers");
        assert_eq!(policy == "allkeys-lru", number == 1, "{policy}");
    });
}

/// The whole instance moves to nodes that clients have never heard of: those that leave tell where to go for long enough.
#[test]
fn clients_follow_when_every_node_is_replaced_at_once() {
    let steps = [
        "shard_count = 4\n  replica_count = 0\n  node_type = \"STANDARD_SMALL\"",
        "shard_count = 1\n  replica_count = 0\n  node_type = \"SHARED_CORE_NANO\"",
        "shard_count = 4\n  replica_count = 0\n  node_type = \"STANDARD_SMALL\"",
        "shard_count = 1\n  replica_count = 0\n  node_type = \"SHARED_CORE_NANO\"",
    ];
    apply_under_load(&steps, |_, _| {});
}
