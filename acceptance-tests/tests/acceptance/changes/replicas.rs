//! `replica_count`: replicas are made and dropped beside a primary at work.

use std::collections::BTreeMap;

use acceptance_tests::SCENE_INSTANCE;
use serde_json::Value;

use super::apply_under_load;

#[test]
fn replicas_come_and_go_under_load_and_stand_in_zones_of_their_own() {
    let step = |replicas: u16| format!("shard_count = 2\n  replica_count = {replicas}\n  node_type = \"SHARED_CORE_NANO\"");
    let steps = [step(0), step(2), step(1)];
    apply_under_load(&steps.each_ref().map(String::as_str), |scene, _| {
        let topology = scene.api().get(&format!("/v1/admin/{SCENE_INSTANCE}/topology"));
        assert_eq!(topology.status, 200, "{}", topology.body);
        let mut zones: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for node in topology.body["nodes"].as_array().expect("nodes") {
            zones.entry(node["shard"].to_string()).or_default().push(&node["zone"]);
        }
        for (shard, mut used) in zones {
            let count = used.len();
            used.sort_by_key(|zone| zone.to_string());
            used.dedup();
            assert_eq!(used.len(), count, "nodes of shard {shard} share a zone: {}", topology.body);
        }
    });
}

#[test]
fn replicas_of_an_8_0_come_and_go_under_load() {
    let step = |replicas: u16| {
        format!(
            "shard_count = 1\n  replica_count = {replicas}\n  node_type = \"SHARED_CORE_NANO\"\n  engine_version = \"VALKEY_8_0\""
        )
    };
    let steps = [step(0), step(2), step(1)];
    apply_under_load(&steps.each_ref().map(String::as_str), |_, _| {});
}
