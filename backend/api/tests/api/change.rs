//! Changing the nodes of an instance.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use valkyard_model::ByteSize;

use crate::server::{Server, name_of, path_of};

/// Longest way back of a simulated instance: it takes some turns of the loop.
const BACK_LIMIT: Duration = Duration::from_secs(10);

async fn with_cache(asked: Value) -> Server {
    let server = Server::start().await;
    server.create("cache", asked).await;
    server
}

async fn patch(server: &Server, mask: &str, body: Value) -> Value {
    server.patch(&format!("{}?updateMask={mask}", path_of("cache")), body).await.ok()
}

async fn cache(server: &Server) -> Value {
    server.get(&path_of("cache")).await.ok()
}

#[tokio::test]
async fn everything_about_nodes_changes_in_one_operation_and_one_generation() {
    let asked = json!({ "shardCount": 2, "engineVersion": "VALKEY_8_0", "nodeType": "STANDARD_SMALL" });
    let server = with_cache(asked).await;
    let body = json!({ "shardCount": 5, "replicaCount": 2, "nodeType": "HIGHMEM_MEDIUM", "engineVersion": "VALKEY_9_1",
        "engineConfigs": { "maxmemory-policy": "allkeys-lru" }, "labels": { "a": "b" } });
    let mask = "shardCount,replicaCount,nodeType,engineVersion,engineConfigs,labels";
    let finished = server.finished(&patch(&server, mask, body.clone()).await).await;
    let changed = &finished["response"];
    for field in mask.split(',') {
        assert_eq!(changed[field], body[field], "{field}");
    }
    assert_eq!((&changed["state"], &changed["nodeConfig"]["sizeGb"]), (&json!("ACTIVE"), &json!(13)));
}

#[tokio::test]
async fn an_instance_is_what_it_was_while_its_nodes_change_and_names_its_targets() {
    let server = with_cache(json!({ "shardCount": 2, "engineVersion": "VALKEY_8_0", "nodeType": "STANDARD_SMALL" })).await;
    let before = cache(&server).await;
    server.hold();
    let body = json!({ "shardCount": 3, "replicaCount": 1, "nodeType": "HIGHMEM_MEDIUM", "engineVersion": "VALKEY_9_1",
        "engineConfigs": { "maxclients": "1000" }, "labels": { "a": "b" } });
    let mask = "shard_count,replica_count,node_type,engine_version,engine_configs,labels";
    let operation = patch(&server, mask, body).await;
    let during = cache(&server).await;
    assert_eq!((&during["state"], &during["labels"]), (&json!("UPDATING"), &json!({ "a": "b" })));
    for field in ["shardCount", "replicaCount", "nodeType", "nodeConfig", "engineVersion", "engineConfigs"] {
        assert_eq!(during[field], before[field], "{field}");
    }
    let targets = json!({ "targetShardCount": 3, "targetReplicaCount": 1, "targetNodeType": "HIGHMEM_MEDIUM",
        "targetEngineVersion": "VALKEY_9_1" });
    assert_eq!(during["stateInfo"]["updateInfo"], targets);
    server.release(&name_of("cache")).await;
    assert_eq!(server.finished(&operation).await["response"]["shardCount"], 3);
    let after = cache(&server).await;
    assert_eq!((&after["nodeConfig"]["sizeGb"], after.get("stateInfo")), (&json!(13), None));
}

#[tokio::test]
async fn a_cancelled_change_ends_at_once_and_the_instance_goes_back() {
    let server = with_cache(json!({ "shardCount": 2 })).await;
    server.hold();
    let operation = patch(&server, "shard_count", json!({ "shardCount": 3 })).await;
    let path = format!("/v1/{}", operation["name"].as_str().expect("a name"));
    server.post(&format!("{path}:cancel"), json!({})).await.ok();
    let ended = server.get(&path).await.ok();
    assert_eq!((&ended["error"]["code"], &ended["metadata"]["requestedCancellation"]), (&json!(1), &json!(true)));
    let back = cache(&server).await;
    assert_eq!((&back["state"], &back["shardCount"]), (&json!("UPDATING"), &json!(2)));
    assert_eq!(back["stateInfo"]["updateInfo"]["targetShardCount"], 2);
    let path = format!("{}?updateMask=shard_count", path_of("cache"));
    let (status, code, message) = server.patch(&path, json!({ "shardCount": 4 })).await.error();
    assert_eq!((status, code.as_str()), (409, "ABORTED"), "{message}");
    server.release(&name_of("cache")).await;
    let began = Instant::now();
    while cache(&server).await["state"] != "ACTIVE" {
        assert!(began.elapsed() < BACK_LIMIT, "the instance is not back");
        tokio::task::yield_now().await;
    }
    let next = patch(&server, "shard_count", json!({ "shardCount": 4 })).await;
    assert_eq!(server.finished(&next).await["response"]["shardCount"], 4);
}

#[tokio::test]
async fn a_version_never_goes_down_whether_it_is_installed_or_not() {
    let server = with_cache(json!({ "shardCount": 2 })).await;
    for version in ["VALKEY_8_0", "VALKEY_7_2"] {
        let path = format!("{}?updateMask=engine_version,labels", path_of("cache"));
        let (code, status, message) = server.patch(&path, json!({ "engineVersion": version })).await.error();
        assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
        let start = format!("instance.engine_version: '{}' has VALKEY_9_1 and cannot go down to {version}: ", name_of("cache"));
        assert!(message.starts_with(&start), "{message}");
        assert!(message.contains("data formats") && message.contains("create another instance"), "{message}");
    }
}

#[tokio::test]
async fn nodes_that_cannot_be_are_refused_field_by_field() {
    let server = with_cache(json!({ "shardCount": 2, "engineConfigs": { "maxclients": "50000" } })).await;
    for (mask, body, expected) in [
        (
            "engine_version",
            json!({ "engineVersion": "VALKEY_9_2" }),
            "instance.engine_version: VALKEY_9_2 cannot be started on this machine; installed here: VALKEY_8_0, VALKEY_9_1; install one",
        ),
        (
            "node_type",
            json!({ "nodeType": "STANDARD_SMALL" }),
            "instance.engine_configs: value \"50000\" of engine config maxclients is not a whole number from 600 to 32000 on STANDARD_SMALL",
        ),
        (
            "engine_configs",
            json!({ "engineConfigs": { "appendonly": "yes" } }),
            "instance.engine_configs: unknown engine config \"appendonly\"; allowed are maxclients, maxmemory, maxmemory-clients, maxmemory-policy, notify-keyspace-events, slowlog-log-slower-than",
        ),
        (
            "shard_count,replica_count",
            json!({ "shardCount": 126, "replicaCount": 1 }),
            "instance.shard_count: shard_count 126 is outside 1 to 125, the most for 1 replicas per shard (250 nodes in all)",
        ),
        ("replica_count", json!({ "replicaCount": 6 }), "instance.replica_count: replica_count 6 is outside 0 to 5"),
    ] {
        let (code, status, message) = server.patch(&format!("{}?updateMask={mask}", path_of("cache")), body).await.error();
        assert_eq!((code, status.as_str(), message.as_str()), (400, "INVALID_ARGUMENT", expected));
    }
    assert_eq!(cache(&server).await["state"], "ACTIVE");
}

#[tokio::test]
async fn nodes_too_small_for_the_data_are_refused_with_those_that_would_do() {
    let server = with_cache(json!({ "shardCount": 5, "nodeType": "SHARED_CORE_NANO" })).await;
    server.fill(&name_of("cache"), ByteSize(4 << 30)).await;
    let path = format!("{}?updateMask=shard_count", path_of("cache"));
    let (code, status, message) = server.patch(&path, json!({ "shardCount": 2 })).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    let expected = format!(
        "the data of '{}' is 4096.0 MiB, and 2 shards of SHARED_CORE_NANO can hold 2007.0 MiB (7/8 of their memory for data, the \
         rest is for what is written meanwhile): 5 shards of SHARED_CORE_NANO or 2 shards of STANDARD_SMALL would do",
        name_of("cache")
    );
    assert_eq!(message, expected);
    assert_eq!(cache(&server).await["shardCount"], 5, "nothing was accepted");
    let fits = patch(&server, "shard_count,node_type", json!({ "shardCount": 2, "nodeType": "STANDARD_SMALL" })).await;
    assert_eq!(server.finished(&fits).await["response"]["shardCount"], 2);
}

#[tokio::test]
async fn unset_configs_return_to_the_defaults() {
    let server = with_cache(json!({ "shardCount": 2, "engineConfigs": { "maxclients": "50000" } })).await;
    let operation = patch(&server, "engine_configs,node_type", json!({ "nodeType": "STANDARD_SMALL" })).await;
    let changed = server.finished(&operation).await;
    assert_eq!((&changed["response"]["nodeType"], changed["response"].get("engineConfigs")), (&json!("STANDARD_SMALL"), None));
}
