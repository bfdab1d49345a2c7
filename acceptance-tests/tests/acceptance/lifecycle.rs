//! Instances from create to delete through REST, on every engine.

use std::time::Duration;

use acceptance_tests::{Daemon, DaemonOptions, engines, node_processes, read_back, write_keys};
use serde_json::json;

/// A cluster takes 2 s on an idle machine; ten times that on a busy one is a failure.
const CREATE_LIMIT: Duration = Duration::from_secs(30);
/// Stopping nodes takes well under a second each.
const DELETE_LIMIT: Duration = Duration::from_secs(20);

#[test]
fn clusters_of_every_engine_take_keys_on_every_shard_and_leave_nothing() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    for engine in engines() {
        println!("engine {} from {}", engine.api_version, engine.folder.display());
        let id = format!("cache-{}", engine.api_version.to_lowercase().replace('_', "-"));
        let body = json!({"shardCount": 3, "replicaCount": 1, "engineVersion": engine.api_version});
        let instance = api.create_and_wait(&id, &body, CREATE_LIMIT);
        assert_eq!(instance["state"], "ACTIVE");
        assert_eq!(instance["engineVersion"], engine.api_version);
        assert_eq!(instance["discoveryEndpoints"][0]["port"], 6379);
        assert_eq!(node_processes(&daemon.data_dir()).len(), 6);
        write_keys(&instance, "key", 300).expect("every key is written");
        assert_eq!(read_back(&instance, "key", 300), Ok(300));
        api.delete_and_wait(&id, DELETE_LIMIT);
        assert_eq!(node_processes(&daemon.data_dir()), []);
        let left: Vec<_> = std::fs::read_dir(daemon.data_dir().join("instances")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(api.get(&format!("/v1/projects/p/locations/us-central1/instances/{id}")).status, 404);
    }
}

#[test]
fn shapes_from_one_node_to_two_replicas_converge_and_spread_over_zones() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    for (shards, replicas) in [(1, 0), (1, 2), (2, 1), (5, 0)] {
        let body = json!({"shardCount": shards, "replicaCount": replicas, "nodeType": "SHARED_CORE_NANO"});
        let instance = api.create_and_wait("shape", &body, CREATE_LIMIT);
        assert_eq!(instance["replicaCount"], replicas);
        write_keys(&instance, "key", 50).expect("every key is written");
        assert_eq!(read_back(&instance, "key", 50), Ok(50));
        api.delete_and_wait("shape", DELETE_LIMIT);
    }
}

#[test]
fn labels_and_deletion_protection_change_in_place_and_the_rest_is_refused() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    let path = "/v1/projects/p/locations/us-central1/instances/guarded";
    let body = json!({"shardCount": 1, "deletionProtectionEnabled": true, "labels": {"team": "a"}});
    api.create_and_wait("guarded", &body, CREATE_LIMIT);

    let refused = api.call("DELETE", path, "");
    assert_eq!((refused.status, &refused.body["error"]["status"]), (400, &json!("FAILED_PRECONDITION")), "{}", refused.body);

    let change = json!({"labels": {"team": "b"}}).to_string();
    let operation = api.call("PATCH", &format!("{path}?updateMask=labels,deletionProtectionEnabled"), &change);
    assert_eq!(operation.status, 200, "{}", operation.body);
    api.wait(operation.body["name"].as_str().expect("a name"), DELETE_LIMIT);
    let instance = api.get(path).body;
    assert_eq!(instance["labels"], json!({"team": "b"}));
    assert_ne!(instance["deletionProtectionEnabled"], true, "masked and absent means cleared");
    api.delete_and_wait("guarded", DELETE_LIMIT);
}

#[test]
fn clients_are_limited_to_the_products_commands() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    for engine in engines() {
        let instance =
            api.create_and_wait("surface", &json!({"shardCount": 1, "engineVersion": engine.api_version}), CREATE_LIMIT);
        let endpoint = &instance["discoveryEndpoints"][0];
        let url = format!("redis://{}:{}", endpoint["address"].as_str().expect("an address"), endpoint["port"]);
        let mut connection = redis::Client::open(url).and_then(|client| client.get_connection()).expect("connects");
        for allowed in [&["INFO"][..], &["CLUSTER", "SHARDS"], &["COMMAND", "COUNT"], &["CLIENT", "ID"], &["FUNCTION", "LIST"]] {
            let answer: Result<redis::Value, _> = redis::cmd(allowed[0]).arg(&allowed[1..]).query(&mut connection);
            assert!(answer.is_ok(), "{allowed:?}: {answer:?}");
        }
        for denied in [
            &["CONFIG", "GET", "dir"][..],
            &["DEBUG", "SLEEP", "0"],
            &["SHUTDOWN", "NOW"],
            &["ACL", "LIST"],
            &["REPLICAOF", "NO", "ONE"],
            &["CLUSTER", "RESET"],
        ] {
            let answer: Result<redis::Value, redis::RedisError> = redis::cmd(denied[0]).arg(&denied[1..]).query(&mut connection);
            let error = answer.expect_err("should be denied").to_string();
            assert!(error.contains("NOPERM") || error.contains("permission"), "{denied:?}: {error}");
        }
        api.delete_and_wait("surface", DELETE_LIMIT);
    }
}
