//! Creating instances, and what they look like.

use serde_json::{Value, json};

use crate::server::{INSTANCES, Server, laid_out, name_of, path_of};
use crate::world::TestPlatform;

#[tokio::test]
async fn a_new_instance_has_every_default_filled_in() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 3 })).await;
    let instance = server.get(&path_of("cache")).await.ok();
    insta::assert_snapshot!(laid_out(&instance));
}

#[tokio::test]
async fn what_was_asked_for_comes_back_and_each_connection_is_two() {
    let server = Server::start().await;
    let asked = json!({
        "shardCount": 2, "replicaCount": 1, "nodeType": "SHARED_CORE_NANO", "engineVersion": "VALKEY_8_0",
        "engineConfigs": { "maxmemory-policy": "volatile-ttl", "maxmemory": "100mb" },
        "labels": { "team": "web" }, "deletionProtectionEnabled": true,
        "zoneDistributionConfig": { "mode": "SINGLE_ZONE", "zone": "us-central1-b" },
        "endpoints": [{ "connections": [
            { "pscAutoConnection": { "projectId": "local", "network": "projects/local/global/networks/default" } },
            { "pscAutoConnection": { "projectId": "other", "network": "projects/other/global/networks/n" } },
        ] }],
        "authorizationMode": "AUTH_DISABLED", "transitEncryptionMode": 1, "mode": "CLUSTER",
        "persistenceConfig": { "mode": "DISABLED" }, "automatedBackupConfig": { "automatedBackupMode": "DISABLED" },
        "crossInstanceReplicationConfig": { "instanceRole": "NONE" },
    });
    server.create("full", asked).await;
    let instance = server.get(&path_of("full")).await.ok();
    insta::assert_snapshot!(laid_out(&instance));
}

#[tokio::test]
async fn connections_requested_the_deprecated_way_come_back_that_way() {
    let server = Server::start().await;
    let network = "projects/local/global/networks/default";
    server
        .create("old-style", json!({ "shardCount": 1, "pscAutoConnections": [{ "projectId": "local", "network": network }] }))
        .await;
    let instance = server.get(&path_of("old-style")).await.ok();
    assert!(instance.get("endpoints").is_none(), "{instance}");
    let connections = instance["pscAutoConnections"].as_array().expect("they are there");
    assert_eq!(connections.len(), 2);
    for connection in connections {
        assert_eq!(connection["network"], network);
        assert_eq!(connection["pscConnectionStatus"], "ACTIVE");
    }
    assert_eq!(connections[0]["connectionType"], "CONNECTION_TYPE_DISCOVERY");
    assert_eq!(connections[0]["port"], 6379);
}

#[tokio::test]
async fn an_instance_is_creating_until_it_was_seen_complete() {
    let server = Server::start().await;
    server.hold();
    let operation = server.post(&format!("{INSTANCES}?instanceId=slow"), json!({ "shardCount": 1 })).await.ok();
    assert!(operation.get("done").is_none(), "{operation}");
    assert_eq!(server.get(&path_of("slow")).await.ok()["state"], "CREATING");
    server.release(&name_of("slow")).await;
    let finished = server.finished(&operation).await;
    assert_eq!(finished["response"]["state"], "ACTIVE");
    assert_eq!(server.get(&path_of("slow")).await.ok()["state"], "ACTIVE");
}

#[tokio::test]
async fn output_only_fields_of_the_body_are_ignored() {
    let server = Server::start().await;
    let asked = json!({ "shardCount": 1, "name": "x", "uid": "y", "state": "DELETING", "nodeConfig": { "sizeGb": 1 },
        "discoveryEndpoints": [{ "address": "1.2.3.4" }], "satisfiesPzi": true, "effectiveMaintenanceVersion": "v" });
    server.create("plain", asked).await;
    let instance = server.get(&path_of("plain")).await.ok();
    assert_eq!(instance["name"], name_of("plain"));
    assert_eq!(instance["discoveryEndpoints"][0]["address"], "127.20.0.1");
    assert!(instance.get("effectiveMaintenanceVersion").is_none(), "{instance}");
}

#[tokio::test]
async fn an_empty_body_is_an_empty_instance() {
    let server = Server::start().await;
    let answer = server.send(http::Method::POST, &format!("{INSTANCES}?instanceId=void"), "").await;
    let (code, _, message) = answer.error();
    assert_eq!(code, 400);
    assert!(message.starts_with("instance.shard_count: "), "{message}");
}

#[tokio::test]
async fn values_that_break_rules_are_refused_with_their_paths() {
    let server = Server::start().await;
    for (body, fields) in [
        (json!({ "shardCount": 0 }), vec!["instance.shard_count"]),
        (json!({ "shardCount": 1, "replicaCount": 6 }), vec!["instance.replica_count"]),
        (json!({ "shardCount": 1, "nodeType": "CUSTOM_MINI" }), vec!["instance.node_type"]),
        (json!({ "shardCount": 1, "engineVersion": "VALKEY_7_2" }), vec!["instance.engine_version"]),
        (json!({ "shardCount": 1, "engineConfigs": { "appendonly": "yes" } }), vec!["instance.engine_configs"]),
        (json!({ "shardCount": 1, "labels": { "Team": "web" } }), vec!["instance.labels"]),
        (
            json!({ "shardCount": 1, "zoneDistributionConfig": { "mode": "SINGLE_ZONE", "zone": "mars-a" } }),
            vec!["instance.zone_distribution_config.zone"],
        ),
        (
            json!({ "shardCount": 1, "zoneDistributionConfig": { "zone": "us-central1-a" } }),
            vec!["instance.zone_distribution_config.zone"],
        ),
        (json!({ "shardCount": 1, "endpoints": [{ "connections": [{}] }] }), vec!["instance.endpoints[0].connections[0]"]),
        (json!({ "shardCount": "three" }), vec!["instance.shardCount"]),
        (json!({ "shardCuont": 3, "colour": 1 }), vec!["instance.colour", "instance.shardCuont"]),
        (json!([]), vec!["instance"]),
    ] {
        let answer = server.post(&format!("{INSTANCES}?instanceId=bad1"), body.clone()).await;
        let (code, status, message) = answer.error();
        assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"), "{body}: {message}");
        let details = &answer.json()["error"]["details"][0];
        assert_eq!(details["@type"], "type.googleapis.com/google.rpc.BadRequest", "{body}");
        let found: Vec<&Value> = details["fieldViolations"].as_array().expect("a list").iter().map(|v| &v["field"]).collect();
        assert_eq!(found, fields, "{body}: {message}");
    }
    assert_eq!(server.get(INSTANCES).await.ok(), json!({}));
}

#[tokio::test]
async fn names_that_break_rules_are_refused() {
    let server = Server::start().await;
    for (path, field) in [
        (format!("{INSTANCES}?instanceId=Bad"), "instance_id"),
        (INSTANCES.to_owned(), "instance_id"),
        ("/v1/projects/local/locations/us-central1-a/instances?instanceId=cache".to_owned(), "parent"),
        ("/v1/projects/-/locations/us-central1/instances?instanceId=cache".to_owned(), "parent"),
    ] {
        let (code, _, message) = server.post(&path, json!({ "shardCount": 1 })).await.error();
        assert_eq!(code, 400, "{path}");
        assert!(message.starts_with(&format!("{field}: ")), "{path}: {message}");
    }
}

#[tokio::test]
async fn what_this_version_does_not_do_is_refused_by_name() {
    let server = Server::start().await;
    for (key, value) in [
        ("authorizationMode", json!("IAM_AUTH")),
        ("transitEncryptionMode", json!("SERVER_AUTHENTICATION")),
        ("mode", json!("CLUSTER_DISABLED")),
        ("maintenancePolicy", json!({ "weeklyMaintenanceWindow": [{ "day": "MONDAY", "startTime": { "hours": 5 } }] })),
        ("maintenanceVersion", json!("MEMORYSTORE_1")),
        ("kmsKey", json!("projects/p/locations/l/keyRings/r/cryptoKeys/k")),
        ("serverCaMode", json!("GOOGLE_MANAGED_SHARED_CA")),
        ("serverCaPool", json!("pool")),
        ("rotateServerCertificate", json!(true)),
        ("aclPolicy", json!("policy")),
        ("simulateMaintenanceEvent", json!(true)),
        ("ondemandMaintenance", json!(true)),
        ("allowFewerZonesDeployment", json!(true)),
        ("asyncInstanceEndpointsDeletionEnabled", json!(true)),
        ("endpoints", json!([{ "connections": [{ "pscConnection": { "projectId": "p" } }] }])),
    ] {
        let mut body = json!({ "shardCount": 1 });
        body[key] = value;
        let (code, status, message) = server.post(&format!("{INSTANCES}?instanceId=later"), body).await.error();
        assert_eq!((code, status.as_str()), (400, "UNIMPLEMENTED"), "{key}: {message}");
        let snake = memorystore_proto::json::field_mask(key).paths.remove(0);
        assert!(message.starts_with(&format!("instance.{snake}: ")), "{message}");
    }
}

#[tokio::test]
async fn a_taken_name_is_refused() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let answer = server.post(&format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 })).await;
    let expected = format!("Resource '{}' already exists", name_of("cache"));
    assert_eq!(answer.error(), (409, "ALREADY_EXISTS".to_owned(), expected));
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_operation_and_an_altered_one_is_refused() {
    let server = Server::start().await;
    let id = "5d3f1a52-8c2e-4a50-9a44-0ad8b6a1b001";
    let path = format!("{INSTANCES}?instanceId=cache&requestId={id}");
    let first = server.post(&path, json!({ "shardCount": 1 })).await.ok();
    server.finished(&first).await;
    let again = server.post(&path, json!({ "shard_count": 1 })).await.ok();
    assert_eq!(again["name"], first["name"]);
    assert_eq!(again["done"], true);
    let altered = server.post(&path, json!({ "shardCount": 2 })).await;
    assert_eq!(altered.error().1, "INVALID_ARGUMENT", "{}", altered.text);
    assert!(altered.error().2.contains(id), "{}", altered.text);
}

#[tokio::test]
async fn a_request_id_is_a_uuid_other_than_zero() {
    let server = Server::start().await;
    for id in ["0", "00000000-0000-0000-0000-000000000000", "not-a-uuid"] {
        let path = format!("{INSTANCES}?instanceId=cache&requestId={id}");
        let (code, _, message) = server.post(&path, json!({ "shardCount": 1 })).await.error();
        assert_eq!(code, 400);
        assert!(message.starts_with("request_id: "), "{message}");
    }
}

#[tokio::test]
async fn addresses_of_other_programs_are_skipped() {
    let server = Server::start_on(TestPlatform { first_free: 3, ..TestPlatform::default() }).await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let cache = server.get(&path_of("cache")).await.ok();
    assert_eq!(cache["discoveryEndpoints"][0]["address"], "127.20.0.3");
}

#[tokio::test]
async fn where_other_programs_have_every_address_the_refusal_says_so() {
    let server = Server::start_on(TestPlatform { first_free: u8::MAX, ..TestPlatform::default() }).await;
    let answer = server.post(&format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 })).await;
    let (code, status, message) = answer.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    assert!(message.contains("listen on all 64 that were tried, 127.20.0.1:6379 to 127.20.0.64:6379"), "{message}");
    assert_eq!(server.get(INSTANCES).await.ok(), json!({}));
}
