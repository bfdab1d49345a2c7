//! Instances that begin with data: from a backup, or from files made elsewhere.

use serde_json::{Value, json};
use valkyard_model::ByteSize;

use crate::backups::{backed_up, backup_path, with_cache};
use crate::server::{INSTANCES, Server, name_of, path_of};

const BACKUP: &str = "projects/local/locations/us-central1/backupCollections/cache/backups/first";

fn from_backup(name: &str) -> Value {
    json!({ "shardCount": 3, "managedBackupSource": { "backup": name } })
}

async fn with_backup() -> Server {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    server
}

async fn refusal(server: &Server, body: Value) -> (u16, String, String) {
    server.post(&format!("{INSTANCES}?instanceId=copy"), body).await.error()
}

#[tokio::test]
async fn an_instance_begins_with_a_backup_named_in_either_form() {
    let server = with_backup().await;
    for (id, prefix) in [("copy", ""), ("copy-2", "//memorystore.googleapis.com/")] {
        server.create(id, from_backup(&format!("{prefix}{BACKUP}"))).await;
        let instance = server.get(&path_of(id)).await.ok();
        assert_eq!(instance["managedBackupSource"], json!({ "backup": BACKUP }));
        assert_eq!((&instance["state"], &instance["engineVersion"]), (&json!("ACTIVE"), &json!("VALKEY_9_1")));
    }
}

#[tokio::test]
async fn another_project_may_restore_a_backup_and_another_region_may_not() {
    let server = with_backup().await;
    let path = "/v1/projects/other/locations/us-central1/instances?instanceId=copy";
    server.finished(&server.post(path, from_backup(BACKUP)).await.ok()).await;
    let path = "/v1/projects/local/locations/europe-west1/instances?instanceId=copy";
    let (code, status, message) = server.post(path, from_backup(BACKUP)).await.error();
    assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"));
    assert_eq!(
        message,
        "instance.managed_backup_source.backup: the backup is in us-central1, the instance is to be in europe-west1; a backup is \
         restored in its own region only"
    );
}

#[tokio::test]
async fn a_restore_says_how_far_it_is_and_keeps_its_backup() {
    let server = with_backup().await;
    server.hold();
    let operation = server.post(&format!("{INSTANCES}?instanceId=copy"), from_backup(BACKUP)).await.ok();
    let path = format!("/v1/admin/{}/progress", operation["name"].as_str().expect("a name"));
    let progress = server.until(&path, |progress| !progress["moved"].is_null()).await;
    assert_eq!((&progress["moved"]["bytes"], &progress["moved"]["bytesTotal"]), (&json!("12582912"), &json!("100663296")));
    let (code, status, message) = server.delete(&backup_path("cache", "first")).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    assert!(message.contains(&name_of("copy")), "{message}");
    server.release(&name_of("copy")).await;
    server.finished(&operation).await;
    server.finished(&server.delete(&backup_path("cache", "first")).await.ok()).await;
    assert_eq!(server.get(&path_of("copy")).await.ok()["managedBackupSource"]["backup"], BACKUP, "it is still told");
}

#[tokio::test]
async fn a_backup_must_be_there_and_complete() {
    let server = with_backup().await;
    let none = "projects/local/locations/us-central1/backupCollections/cache/backups/none";
    assert_eq!(
        refusal(&server, from_backup(none)).await,
        (404, "NOT_FOUND".to_owned(), format!("Resource '{none}' was not found"))
    );
    server.hold();
    server.delete(&backup_path("cache", "first")).await.ok();
    let (code, status, message) = refusal(&server, from_backup(BACKUP)).await;
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    assert!(message.contains(BACKUP) && message.contains("ACTIVE"), "{message}");
}

#[tokio::test]
async fn an_older_engine_is_refused() {
    let server = with_backup().await;
    let mut body = from_backup(BACKUP);
    body["engineVersion"] = json!("VALKEY_8_0");
    let (code, _, message) = refusal(&server, body).await;
    assert_eq!(code, 400);
    assert!(message.starts_with("instance.engine_version: VALKEY_8_0 is older than VALKEY_9_1"), "{message}");
}

#[tokio::test]
async fn nodes_too_small_for_the_data_are_refused_with_those_that_would_do() {
    let server = with_cache().await;
    server.hold_data(ByteSize(3 << 30));
    backed_up(&server, "cache", "first").await;
    let mut body = from_backup(BACKUP);
    body["shardCount"] = json!(1);
    body["nodeType"] = json!("SHARED_CORE_NANO");
    let (code, status, message) = refusal(&server, body.clone()).await;
    assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"));
    assert_eq!(
        message,
        "instance.shard_count: the data of the backup takes 3264.0 MiB, and 1 shard of SHARED_CORE_NANO can hold 1003.5 MiB (7/8 \
         of their memory for data): 4 shards of SHARED_CORE_NANO or 1 shard of STANDARD_SMALL would do"
    );
    body["replicaCount"] = json!(5);
    let (_, _, message) = refusal(&server, body.clone()).await;
    assert!(message.ends_with("no shape of these replicas would do on this machine; ask for fewer replicas"), "{message}");
    body["replicaCount"] = json!(0);
    body["shardCount"] = json!(4);
    server.create("copy", body).await;
}

#[tokio::test]
async fn a_key_larger_than_a_node_is_refused_in_any_number_of_shards() {
    let server = with_cache().await;
    server.hold_data(ByteSize(4 << 30));
    backed_up(&server, "cache", "first").await;
    let mut body = from_backup(BACKUP);
    body["shardCount"] = json!(5);
    body["nodeType"] = json!("SHARED_CORE_NANO");
    let (code, status, message) = refusal(&server, body.clone()).await;
    assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"));
    assert_eq!(
        message,
        "instance.node_type: key \"big\" of the backup takes 1024.0 MiB at least, and a node of SHARED_CORE_NANO can hold 1003.5 MiB \
         (7/8 of its memory for data); a key is in one shard, so more of them do not help: STANDARD_SMALL would do"
    );
    body["shardCount"] = json!(2);
    body["nodeType"] = json!("STANDARD_SMALL");
    server.create("copy", body).await;
}

#[tokio::test]
async fn files_are_named_by_urls_and_come_back_as_they_were_sent() {
    let server = Server::start().await;
    let uris = json!(["gs://bucket/a.rdb", "s3://bucket/deep/b.rdb", "file:///var/c.rdb"]);
    server.create("copy", json!({ "shardCount": 1, "gcsSource": { "uris": uris } })).await;
    assert_eq!(server.get(&path_of("copy")).await.ok()["gcsSource"]["uris"], uris);
}

#[tokio::test]
async fn other_sources_are_refused_with_their_paths() {
    let server = with_backup().await;
    let many: Vec<String> = (0..251).map(|number| format!("gs://bucket/{number}.rdb")).collect();
    for (source, fields) in [
        (json!({ "gcsSource": {} }), vec!["instance.gcs_source.uris"]),
        (json!({ "gcsSource": { "uris": many } }), vec!["instance.gcs_source.uris"]),
        (
            json!({ "gcsSource": { "uris": ["gs://bucket/a", "gs://bucket/", "http://x/y", "gs://bucket/a"] } }),
            vec!["instance.gcs_source.uris[1]", "instance.gcs_source.uris[2]", "instance.gcs_source.uris[3]"],
        ),
        (json!({ "managedBackupSource": {} }), vec!["instance.managed_backup_source.backup"]),
        (json!({ "managedBackupSource": { "backup": "first" } }), vec!["instance.managed_backup_source.backup"]),
    ] {
        let mut body = source.clone();
        body["shardCount"] = json!(1);
        let answer = server.post(&format!("{INSTANCES}?instanceId=copy"), body).await;
        assert_eq!(answer.error().0, 400, "{source}");
        let violations = answer.json()["error"]["details"][0]["fieldViolations"].clone();
        let found: Vec<&str> = violations.as_array().expect("a list").iter().filter_map(|v| v["field"].as_str()).collect();
        assert_eq!(found, fields, "{source}");
    }
    let both = json!({ "shardCount": 1, "gcsSource": { "uris": ["gs://b/o"] }, "managedBackupSource": { "backup": BACKUP } });
    assert_eq!(refusal(&server, both).await.0, 400, "one or the other");
}

#[tokio::test]
async fn a_source_cannot_be_changed_and_is_ignored_unmasked() {
    let server = with_backup().await;
    let body = json!({ "labels": { "a": "b" }, "managedBackupSource": { "backup": BACKUP } });
    let (code, _, message) =
        server.patch(&format!("{}?updateMask=managedBackupSource", path_of("cache")), body.clone()).await.error();
    assert!(code == 400 && message.contains("unsupported path in fieldMask: managed_backup_source"), "{message}");
    server.finished(&server.patch(&format!("{}?updateMask=labels", path_of("cache")), body).await.ok()).await;
    assert!(server.get(&path_of("cache")).await.ok().get("managedBackupSource").is_none());
}

#[tokio::test]
async fn scratch_instances_are_nobodys_and_in_no_other_projects_list() {
    let server = with_backup().await;
    let path = "/v1/projects/valkyard-scratch/locations/us-central1/instances";
    let (code, _, message) = server.post(&format!("{path}?instanceId=mine"), json!({ "shardCount": 1 })).await.error();
    assert!(code == 400 && message.starts_with("parent: project valkyard-scratch is the daemon's own"), "{message}");
    assert_eq!(server.get(path).await.ok(), json!({}));
}
