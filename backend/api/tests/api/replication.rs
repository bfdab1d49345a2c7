//! Roles of instances as clients ask for them and see them.

use serde_json::{Value, json};

use crate::server::{Server, name_of, path_of};

const FIELD: &str = "instance.cross_instance_replication_config";

fn following(primary: &str) -> Value {
    json!({ "crossInstanceReplicationConfig": {
        "instanceRole": "SECONDARY", "primaryInstance": { "instance": name_of(primary) } } })
}

async fn with_primary() -> Server {
    let server = Server::start().await;
    let asked = json!({ "shardCount": 3, "nodeType": "STANDARD_SMALL", "engineConfigs": { "maxmemory-policy": "allkeys-lru" } });
    server.create("cache", asked).await;
    server
}

async fn try_create(server: &Server, id: &str, body: &Value) -> Value {
    let parent = path_of(id).rsplit_once('/').expect("a path").0.to_owned();
    server.post(&format!("{parent}?instanceId={id}"), body.clone()).await.json()
}

async fn patch(server: &Server, id: &str, role: Value) -> Value {
    let body = json!({ "crossInstanceReplicationConfig": role });
    server.patch(&format!("{}?updateMask=crossInstanceReplicationConfig", path_of(id)), body).await.json()
}

async fn role_of(server: &Server, id: &str) -> Value {
    server.get(&path_of(id)).await.ok()["crossInstanceReplicationConfig"].clone()
}

fn violated(answer: &Value) -> Vec<String> {
    let violations = answer["error"]["details"][0]["fieldViolations"].as_array().cloned().unwrap_or_default();
    violations.iter().map(|found| found["field"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_secondary_takes_over_what_members_share_and_both_sides_tell_of_it() {
    let server = with_primary().await;
    server.create("copy", following("cache")).await;
    let (primary, copy) = (server.get(&path_of("cache")).await.ok(), server.get(&path_of("copy")).await.ok());
    for field in ["shardCount", "nodeType", "engineVersion", "engineConfigs", "persistenceConfig"] {
        assert_eq!(primary[field], copy[field], "{field}");
    }
    let membership = json!({
        "primaryInstance": { "instance": name_of("cache"), "uid": primary["uid"] },
        "secondaryInstances": [{ "instance": name_of("copy"), "uid": copy["uid"] }],
    });
    for id in ["cache", "copy"] {
        assert_eq!(role_of(&server, id).await["membership"], membership, "{id}");
    }
    assert_eq!(copy["crossInstanceReplicationConfig"]["primaryInstance"], membership["primaryInstance"]);
    assert_eq!(copy.get("managedBackupSource"), None, "the primary is no backup");
}

#[tokio::test]
async fn what_contradicts_itself_or_the_primary_is_refused_by_field() {
    let server = with_primary().await;
    let primary = json!({ "instance": name_of("cache") });
    let below = |name: &str| vec![format!("{FIELD}.{name}")];
    let role = |role: Value| json!({ "shardCount": 3, "crossInstanceReplicationConfig": role });
    for (body, fields) in [
        (role(json!({ "instanceRole": "SECONDARY" })), below("primary_instance")),
        (role(json!({ "instanceRole": "NONE", "primaryInstance": primary })), below("primary_instance")),
        (role(json!({ "instanceRole": "PRIMARY", "primaryInstance": primary })), below("primary_instance")),
        (role(json!({ "instanceRole": "PRIMARY" })), below("instance_role")),
        (
            role(json!({ "instanceRole": "SECONDARY", "primaryInstance": primary, "secondaryInstances": [primary] })),
            below("secondary_instances"),
        ),
        (following("copy"), below("primary_instance.instance")),
    ] {
        let answer = try_create(&server, "copy", &body).await;
        assert_eq!((answer["error"]["code"].as_i64(), violated(&answer)), (Some(400), fields), "{body}: {answer}");
    }
    let mut other = following("cache");
    other["shardCount"] = json!(2);
    other["engineVersion"] = json!("VALKEY_8_0");
    let answer = try_create(&server, "copy", &other).await;
    assert_eq!(violated(&answer), ["instance.shard_count", "instance.engine_version"], "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains("older")), "{answer}");
    let answer = try_create(&server, "copy", &following("nobody")).await;
    assert_eq!(answer["error"]["status"], "NOT_FOUND", "{answer}");
}

#[tokio::test]
async fn what_members_share_is_changed_on_no_member_and_the_rest_on_each() {
    let server = with_primary().await;
    server.create("copy", following("cache")).await;
    let update =
        async |id: &str, mask: &str, body: Value| server.patch(&format!("{}?updateMask={mask}", path_of(id)), body).await.json();
    let refused = update("copy", "shardCount", json!({ "shardCount": 5 })).await;
    assert_eq!(violated(&refused), ["instance.shard_count"], "{refused}");
    let refused = update("cache", "shardCount", json!({ "shardCount": 5 })).await;
    assert_eq!(refused["error"]["status"], "UNIMPLEMENTED", "{refused}");
    for id in ["cache", "copy"] {
        let accepted = update(id, "labels,replicaCount", json!({ "labels": { "a": "b" }, "replicaCount": 1 })).await;
        assert_eq!(server.finished(&accepted).await["response"]["replicaCount"], 1, "{id}");
    }
}

#[tokio::test]
async fn members_part_from_either_side_and_a_primary_stays_while_it_is_followed() {
    let server = with_primary().await;
    server.create("first", following("cache")).await;
    server.create("second", following("cache")).await;
    let third = try_create(&server, "three", &following("cache")).await;
    assert_eq!(third["error"]["status"], "FAILED_PRECONDITION", "{third}");
    let kept = server.delete(&path_of("cache")).await.json();
    let text = kept["error"]["message"].as_str().unwrap_or_default();
    let wanted = format!("Primary instance '{}' cannot be deleted because it still has secondary instances", name_of("cache"));
    assert!(text.starts_with(&wanted), "{kept}");

    let rest = json!({ "instanceRole": "PRIMARY", "secondaryInstances": [{ "instance": name_of("second") }] });
    server.finished(&patch(&server, "cache", rest).await).await;
    assert_eq!(role_of(&server, "first").await["instanceRole"], "NONE");
    assert_eq!(role_of(&server, "cache").await["secondaryInstances"].as_array().map(Vec::len), Some(1));
    server.finished(&patch(&server, "second", json!({ "instanceRole": "NONE" })).await).await;
    assert_eq!(role_of(&server, "cache").await["instanceRole"], "NONE");
    server.finished(&server.delete(&path_of("cache")).await.ok()).await;
}

#[tokio::test]
async fn what_this_version_does_not_do_is_refused_with_another_way() {
    let server = with_primary().await;
    server.create("copy", following("cache")).await;
    server.create("other", json!({ "shardCount": 3 })).await;
    let attach = json!({ "instanceRole": "SECONDARY", "primaryInstance": { "instance": name_of("cache") } });
    let answer = patch(&server, "other", attach.clone()).await;
    assert_eq!(answer["error"]["status"], "UNIMPLEMENTED", "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains("create a new one")), "{answer}");
    let refused = patch(&server, "cache", attach).await;
    assert_eq!(violated(&refused), [format!("{FIELD}.instance_role")], "{refused}");
}

#[tokio::test]
async fn a_switchover_is_asked_of_a_secondary_names_all_members_and_is_left_in_peace() {
    let server = with_primary().await;
    server.create("copy", following("cache")).await;
    server.create("third", following("cache")).await;
    let lead = |ids: &[&str]| {
        let listed: Vec<Value> = ids.iter().map(|id| json!({ "instance": name_of(id) })).collect();
        json!({ "instanceRole": "PRIMARY", "secondaryInstances": listed })
    };
    for ids in [["cache"].as_slice(), &["cache", "copy"]] {
        let refused = patch(&server, "copy", lead(ids)).await;
        assert_eq!(violated(&refused), [format!("{FIELD}.secondary_instances")], "{refused}");
    }
    let accepted = patch(&server, "copy", lead(&["third", "cache"])).await;
    assert!(accepted["name"].is_string(), "{accepted}");
    let again = patch(&server, "third", lead(&[])).await;
    assert_eq!(again["error"]["status"], "FAILED_PRECONDITION", "{again}");
    assert!(again["error"]["message"].as_str().is_some_and(|text| text.contains("a switchover of")), "{again}");
    let late = try_create(&server, "four", &following("cache")).await;
    assert_eq!(late["error"]["status"], "FAILED_PRECONDITION", "{late}");
    let status = server.get(&format!("/v1/admin/{}/replication", name_of("cache"))).await.ok();
    assert_eq!((&status["role"], &status["switchover"]), (&json!("PRIMARY"), &json!("DRAINING")), "{status}");
}

#[tokio::test]
async fn distances_are_set_and_the_status_tells_of_them() {
    let server = with_primary().await;
    server.create("copy", following("cache")).await;
    let location = path_of("cache").split('/').nth(5).expect("a location").to_owned();
    let wanted = json!({ "location": location, "other": location, "roundTrip": "0.080s", "bandwidthBytesPerSecond": "1000" });
    let set = server.post("/v1/admin/distances:set", json!({ "distance": wanted })).await.ok();
    assert_eq!((&set["roundTrip"], &set["cut"]), (&json!("0.080s"), &json!(false)));
    let status = server.get(&format!("/v1/admin/{}/replication", name_of("copy"))).await.ok();
    assert_eq!((&status["role"], &status["primary"]), (&json!("SECONDARY"), &json!(name_of("cache"))));
    assert_eq!(status["secondaries"][0]["distance"], set);
    assert_eq!(status["secondaries"][0]["shards"].as_array().map(Vec::len), Some(3));
    let endless = json!({ "distance": { "location": location, "other": location, "roundTrip": "3600s" } });
    let refused = server.post("/v1/admin/distances:set", endless).await.json();
    assert_eq!(violated(&refused), ["distance.round_trip"], "{refused}");
}
