//! Changing instances.

use http::Method;
use serde_json::{Value, json};

use crate::server::{INSTANCES, Server, name_of, path_of};

pub(crate) async fn with_cache() -> Server {
    let server = Server::start().await;
    let asked = json!({ "shardCount": 2, "replicaCount": 1, "labels": { "team": "web" }, "deletionProtectionEnabled": true,
        "engineConfigs": { "maxclients": "1000" } });
    server.create("cache", asked).await;
    server
}

pub(crate) async fn patched(server: &Server, mask: &str, body: Value) -> Value {
    let operation = server.patch(&format!("{}?updateMask={mask}", path_of("cache")), body).await.ok();
    let finished = server.finished(&operation).await;
    assert!(finished.get("error").is_none(), "{finished}");
    server.get(&path_of("cache")).await.ok()
}

#[tokio::test]
async fn masked_fields_change_and_unmasked_ones_are_ignored() {
    let server = with_cache().await;
    let instance = patched(&server, "labels", json!({ "labels": { "team": "data" }, "shardCount": 9, "kmsKey": "k" })).await;
    assert_eq!(instance["labels"], json!({ "team": "data" }));
    assert_eq!((&instance["shardCount"], &instance["state"]), (&json!(2), &json!("ACTIVE")));
    assert!(instance["updateTime"].as_str() > instance["createTime"].as_str(), "{instance}");
}

#[tokio::test]
async fn masked_fields_that_are_absent_are_cleared() {
    let server = with_cache().await;
    let instance = patched(&server, "deletionProtectionEnabled,labels", json!({})).await;
    assert_eq!(instance["deletionProtectionEnabled"], false);
    assert!(instance.get("labels").is_none(), "{instance}");
}

#[tokio::test]
async fn an_empty_body_clears_too() {
    let server = with_cache().await;
    let operation = server.send(Method::PATCH, &format!("{}?updateMask=labels", path_of("cache")), "").await.ok();
    server.finished(&operation).await;
    assert!(server.get(&path_of("cache")).await.ok().get("labels").is_none());
}

#[tokio::test]
async fn a_field_masked_at_its_present_value_is_accepted() {
    let server = with_cache().await;
    let body = json!({ "shardCount": 2, "replicaCount": 1, "nodeType": "HIGHMEM_MEDIUM", "engineVersion": "VALKEY_9_1",
        "engineConfigs": { "maxclients": "1000" }, "labels": { "a": "b" }, "automatedBackupConfig": { "automatedBackupMode": "DISABLED" } });
    let mask = "shard_count,replicaCount,node_type,engineVersion,engine_configs,labels,automatedBackupConfig,persistence_config.mode,endpoints";
    assert_eq!(patched(&server, mask, body).await["labels"], json!({ "a": "b" }));
}

#[tokio::test]
async fn an_instance_is_updating_until_it_was_seen_complete_and_busy_meanwhile() {
    let server = with_cache().await;
    server.hold();
    let path = format!("{}?updateMask=labels", path_of("cache"));
    let operation = server.patch(&path, json!({ "labels": { "a": "b" } })).await.ok();
    let instance = server.get(&path_of("cache")).await.ok();
    assert_eq!(instance["state"], "UPDATING");
    assert_eq!(instance["stateInfo"]["updateInfo"]["targetShardCount"], 2);
    let busy = server.patch(&path, json!({ "labels": { "c": "d" } })).await;
    let (code, status, message) = busy.error();
    assert_eq!((code, status.as_str()), (409, "ABORTED"));
    assert!(message.contains(operation["name"].as_str().expect("a name")), "{message}");
    assert_eq!(busy.json()["error"]["details"][0]["reason"], "operationInProgress");
    server.release(&name_of("cache")).await;
    assert_eq!(server.finished(&operation).await["response"]["state"], "ACTIVE");
    let instance = server.get(&path_of("cache")).await.ok();
    assert_eq!((&instance["labels"], instance.get("stateInfo")), (&json!({ "a": "b" }), None));
}

#[tokio::test]
async fn what_this_version_does_not_change_is_refused_by_name() {
    let server = with_cache().await;
    for (mask, body) in [
        ("maintenance_window", json!({ "maintenancePolicy": { "weeklyMaintenanceWindow": [{}] } })),
        ("auth_mode", json!({ "authorizationMode": "TOKEN_AUTH" })),
        ("endpoints", json!({ "endpoints": [{ "connections": [{ "pscConnection": {} }] }] })),
        (
            "endpoints",
            json!({ "endpoints": [{ "connections": [{ "pscAutoConnection": { "projectId": "p", "network": "projects/p/global/networks/n" } }] }] }),
        ),
    ] {
        let (code, status, message) = server.patch(&format!("{}?updateMask={mask}", path_of("cache")), body).await.error();
        assert_eq!((code, status.as_str()), (400, "UNIMPLEMENTED"), "{mask}: {message}");
        assert!(message.contains("this version"), "{message}");
    }
}

#[tokio::test]
async fn bad_masks_and_values_are_refused() {
    let server = with_cache().await;
    for (mask, body, start) in [
        ("", json!({ "labels": {} }), "update_mask: name the fields"),
        ("mode", json!({}), "update_mask: unsupported path in fieldMask: mode. Allowed values are: acl_policy,"),
        ("labels.team", json!({}), "update_mask: unsupported path in fieldMask: labels.team."),
        ("*", json!({}), "update_mask: unsupported path in fieldMask: *."),
        ("shard_count", json!({}), "instance.shard_count: "),
        ("engine_version", json!({}), "instance.engine_version: engine_version cannot be updated to \"\""),
        ("labels", json!({ "labels": { "A": "b" } }), "instance.labels: "),
        ("labels", json!({ "labels": 1 }), "instance.labels: "),
        (
            "persistence_config.aof_config.append_fsync,persistence_config.rdb_config.rdb_snapshot_period",
            json!({}),
            "instance.persistence_config: unable to update RDB and AOF config at the same time",
        ),
    ] {
        let (code, status, message) = server.patch(&format!("{}?updateMask={mask}", path_of("cache")), body).await.error();
        assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"), "{mask}: {message}");
        assert!(message.starts_with(start), "{mask}: {message}");
    }
}

#[tokio::test]
async fn a_missing_instance_is_not_found() {
    let server = Server::start().await;
    let answer = server.patch(&format!("{INSTANCES}/none?updateMask=labels"), json!({})).await;
    assert_eq!(answer.error(), (404, "NOT_FOUND".to_owned(), format!("Resource '{}' was not found", name_of("none"))));
}

#[tokio::test]
async fn a_repeated_update_gets_the_first_operation() {
    let server = with_cache().await;
    let path = format!("{}?updateMask=labels&requestId=5d3f1a52-8c2e-4a50-9a44-0ad8b6a1b002", path_of("cache"));
    let first = server.patch(&path, json!({ "labels": { "a": "b" } })).await.ok();
    let again = server.patch(&path, json!({ "labels": { "a": "b" } })).await.ok();
    assert_eq!(again["name"], first["name"]);
}
