//! `engine_version`: nodes of a later version take the place of those there are; never of an earlier one.

use std::time::Duration;

use acceptance_tests::Scene;
use acceptance_tests::judge::{Load, LoadOptions};
use serde_json::json;

use super::{CHANGE_LIMIT, apply_under_load, path};

fn upgrade(shards: u16, replicas: u16) {
    let step = |version: &str| {
        format!(
            "shard_count = {shards}\n  replica_count = {replicas}\n  node_type = \"SHARED_CORE_NANO\"\n  engine_version = \"{version}\""
        )
    };
    let steps = [step("VALKEY_8_0"), step("VALKEY_9_1")];
    apply_under_load(&steps.each_ref().map(String::as_str), |_, _| {});
}

#[test]
fn an_instance_is_upgraded_under_load() {
    upgrade(3, 1);
}

#[test]
fn an_instance_without_replicas_is_upgraded_under_load() {
    upgrade(1, 0);
}

#[test]
fn a_downgrade_is_refused_and_nothing_happens() {
    let scene = Scene::create(&json!({"shardCount": 1, "replicaCount": 0}));
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    let before = scene.members().expect("every node answers");
    let refused = scene.ask_for(&json!({"engineVersion": "VALKEY_8_0"}));
    assert_eq!(refused.status, 400, "{}", refused.body);
    let message = refused.body["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("VALKEY_8_0") && message.contains("VALKEY_9_1"), "{message}");
    load.wait_for_more(10);
    assert_eq!(scene.members().expect("every node answers"), before);
    load.stop().verify(&scene.instance()).flawless().expect("nothing happens");
}

#[test]
fn a_second_change_is_refused_while_one_runs_and_a_cancelled_one_goes_back() {
    let scene = Scene::create(&json!({"shardCount": 2, "replicaCount": 0}));
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    let operation = scene.begin(&json!({"shardCount": 3}));
    let refused = scene.ask_for(&json!({"replicaCount": 1}));
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(scene.instance()["stateInfo"]["updateInfo"]["targetShardCount"], 3, "{}", scene.instance());
    let cancelled = scene.api().call("POST", &format!("/v1/{operation}:cancel"), "{}");
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    let ended = scene.api().wait(&operation, CHANGE_LIMIT);
    assert_eq!(ended["error"]["code"], 1, "{ended}");
    assert_eq!(scene.api().get(&path()).body["shardCount"], 2);
    scene.wait_until_sound();
    load.wait_for_more(40);
    // The way back is no operation of its own: the next change waits for it at most.
    scene.change(&json!({"replicaCount": 1}), Duration::from_secs(60));
    scene.wait_until_sound();
    let report = load.stop().verify(&scene.instance());
    println!("{report}");
    report.flawless().unwrap_or_else(|report| panic!("{report}"));
}
