//! Backups of instances: made, listed, deleted, exported.

use http::Method;
use memorystore_proto::longrunning::operation::Result as Outcome;
use memorystore_proto::v1::memorystore_client::MemorystoreClient;
use memorystore_proto::{unpack, v1};
use serde_json::{Value, json};

use crate::server::{INSTANCES, Server, laid_out, name_of, path_of};

pub(crate) const COLLECTIONS: &str = "/v1/projects/local/locations/us-central1/backupCollections";

/// The path of a backup in the usual place.
pub(crate) fn backup_path(collection: &str, backup: &str) -> String {
    format!("{COLLECTIONS}/{collection}/backups/{backup}")
}

pub(crate) async fn begin_backup(server: &Server, instance: &str, body: Value) -> Value {
    server.post(&format!("{}:backup", path_of(instance)), body).await.ok()
}

/// Backs an instance up and waits for the end.
pub(crate) async fn backed_up(server: &Server, instance: &str, backup: &str) -> Value {
    let operation = begin_backup(server, instance, json!({ "backupId": backup })).await;
    let finished = server.finished(&operation).await;
    assert!(finished.get("error").is_none(), "{finished}");
    server.get(&backup_path(instance, backup)).await.ok()
}

/// A server with an instance `cache` of two shards.
pub(crate) async fn with_cache() -> Server {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 2, "replicaCount": 1 })).await;
    server
}

fn ids(page: &Value, key: &str) -> Vec<String> {
    let found = page[key].as_array().cloned().unwrap_or_default();
    found.iter().map(|one| one["name"].as_str().expect("a name").rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_backup_and_its_collection_have_the_shape_clients_know() {
    let server = with_cache().await;
    assert!(server.get(&path_of("cache")).await.ok().get("backupCollection").is_none());
    let backup = backed_up(&server, "cache", "first").await;
    insta::assert_snapshot!("backup", laid_out(&backup));
    let collection = server.get(&format!("{COLLECTIONS}/cache")).await.ok();
    insta::assert_snapshot!("backup_collection", laid_out(&collection));
    let shown = server.get(&path_of("cache")).await.ok();
    assert_eq!(shown["backupCollection"], collection["name"]);
    assert_eq!((&shown["state"], &backup["instance"]), (&json!("ACTIVE"), &shown["name"]));
}

#[tokio::test]
async fn a_backup_is_an_operation_on_the_instance_that_says_how_far_it_is() {
    let server = with_cache().await;
    server.hold();
    let operation = begin_backup(&server, "cache", json!({ "backupId": "first", "ttl": "86400s" })).await;
    assert_eq!((&operation["metadata"]["verb"], &operation["metadata"]["target"]), (&json!("backup"), &json!(name_of("cache"))));
    server.told(&operation, "taking the data of 2 shards (12 MiB so far)").await;
    let making = server.get(&backup_path("cache", "first")).await.ok();
    assert_eq!((&making["state"], making.get("backupFiles")), (&json!("CREATING"), None));
    server.release(&name_of("cache")).await;
    let finished = server.finished(&operation).await;
    assert_eq!(finished["response"]["@type"], "type.googleapis.com/google.cloud.memorystore.v1.Instance");
    assert_eq!(finished["response"]["name"], name_of("cache"));
    let seconds =
        |time: &Value| chrono::DateTime::parse_from_rfc3339(time.as_str().expect("a time")).expect("a time").timestamp();
    let made = server.get(&backup_path("cache", "first")).await.ok();
    assert_eq!(seconds(&made["expireTime"]) - seconds(&made["createTime"]), 86_400);
}

#[tokio::test]
async fn a_backup_without_an_id_is_named_by_time_and_instance() {
    let server = with_cache().await;
    server.finished(&begin_backup(&server, "cache", json!({})).await).await;
    let page = server.get(&format!("{COLLECTIONS}/cache/backups")).await.ok();
    let [id] = ids(&page, "backups").try_into().expect("one");
    let uid = server.get(&path_of("cache")).await.ok()["uid"].as_str().expect("a uid").to_owned();
    let (time, digits) = id.split_once('_').expect("two parts");
    assert!(time.len() == 14 && time.starts_with("20260101") && uid.starts_with(digits) && digits.len() == 8, "{id}");
    assert_eq!(page["backups"][0]["backupType"], "ON_DEMAND");
}

#[tokio::test]
async fn the_same_over_grpc() {
    let server = with_cache().await;
    let mut client = MemorystoreClient::connect(server.base.clone()).await.expect("a connection");
    let request = v1::BackupInstanceRequest { name: name_of("cache"), backup_id: Some("first".to_owned()), ttl: None };
    let operation = client.backup_instance(request).await.expect("accepted").into_inner();
    server.finished(&json!({ "name": operation.name })).await;
    let parent = "projects/local/locations/-/backupCollections/-".to_owned();
    let list = v1::ListBackupsRequest { parent, ..Default::default() };
    let backup = client.list_backups(list).await.expect("a list").into_inner().backups.remove(0);
    let got = client.get_backup(v1::GetBackupRequest { name: backup.name.clone() }).await.expect("there").into_inner();
    assert_eq!((&got, got.state(), got.total_size_bytes), (&backup, v1::backup::State::Active, 200));
    let list = v1::ListBackupCollectionsRequest { parent: "projects/local/locations/-".to_owned(), ..Default::default() };
    let collection = client.list_backup_collections(list).await.expect("a list").into_inner().backup_collections.remove(0);
    let request = v1::GetBackupCollectionRequest { name: collection.name.clone() };
    assert_eq!(client.get_backup_collection(request).await.expect("there").into_inner(), collection);
    let destination = Some(v1::export_backup_request::Destination::GcsBucket("my-bucket".to_owned()));
    let request = v1::ExportBackupRequest { name: backup.name.clone(), destination };
    let export = client.export_backup(request).await.expect("accepted").into_inner();
    server.finished(&json!({ "name": export.name })).await;
    let delete = v1::DeleteBackupRequest { name: backup.name.clone(), request_id: String::new() };
    let deletion = client.delete_backup(delete).await.expect("accepted").into_inner();
    let Some(Outcome::Response(empty)) = client_end(&server, &deletion.name).await else { panic!("it failed") };
    assert!(unpack::<()>(&empty).is_ok());
    let gone = client.get_backup(v1::GetBackupRequest { name: backup.name }).await.expect_err("gone");
    assert_eq!(gone.code(), tonic::Code::NotFound);
}

async fn client_end(server: &Server, name: &str) -> Option<Outcome> {
    use memorystore_proto::longrunning::GetOperationRequest;
    use memorystore_proto::longrunning::operations_client::OperationsClient;
    server.finished(&json!({ "name": name })).await;
    let mut operations = OperationsClient::connect(server.base.clone()).await.expect("a connection");
    operations.get_operation(GetOperationRequest { name: name.to_owned() }).await.expect("there").into_inner().result
}

#[tokio::test]
async fn lists_are_of_one_collection_or_of_all_in_pages() {
    let server = with_cache().await;
    server.create("other", json!({ "shardCount": 1 })).await;
    for (instance, backup) in [("cache", "bb"), ("cache", "aa"), ("other", "cc")] {
        backed_up(&server, instance, backup).await;
    }
    for (parent, expected) in [
        ("local/locations/us-central1/backupCollections/cache", vec!["aa", "bb"]),
        ("local/locations/-/backupCollections/cache", vec!["aa", "bb"]),
        ("local/locations/us-central1/backupCollections/-", vec!["aa", "bb", "cc"]),
        ("-/locations/-/backupCollections/-", vec!["aa", "bb", "cc"]),
        ("local/locations/europe-west1/backupCollections/-", vec![]),
        ("local/locations/-/backupCollections/nobody", vec![]),
    ] {
        assert_eq!(ids(&server.get(&format!("/v1/projects/{parent}/backups")).await.ok(), "backups"), expected, "{parent}");
    }
    let all = format!("{COLLECTIONS}/-/backups");
    let first = server.get(&format!("{all}?pageSize=2")).await.ok();
    let token = first["nextPageToken"].as_str().expect("there is more");
    let second = server.get(&format!("{all}?pageToken={token}")).await.ok();
    assert_eq!((ids(&first, "backups").len(), ids(&second, "backups")), (2, vec!["cc".to_owned()]));
    assert!(second.get("nextPageToken").is_none());
    let collections = server.get(&format!("{COLLECTIONS}?pageSize=1")).await.ok();
    let token = collections["nextPageToken"].as_str().expect("there is more");
    let rest = server.get(&format!("/v1/projects/local/locations/-/backupCollections?page_token={token}")).await.ok();
    assert_eq!(
        (ids(&collections, "backupCollections"), ids(&rest, "backupCollections")),
        (vec!["cache".into()], vec!["other".into()])
    );
    assert_eq!(server.get(&format!("{all}?pageToken={token}")).await.error().1, "INVALID_ARGUMENT", "of another list");
    assert_eq!(server.get(&format!("{INSTANCES}?pageToken={token}")).await.error().1, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_its_name() {
    let server = with_cache().await;
    let missing = [
        (Method::GET, format!("{COLLECTIONS}/cache"), format!("{COLLECTIONS}/cache")),
        (Method::GET, format!("{COLLECTIONS}/cache/backups"), format!("{COLLECTIONS}/cache")),
        (Method::GET, backup_path("cache", "x"), backup_path("cache", "x")),
        (Method::DELETE, backup_path("cache", "x"), backup_path("cache", "x")),
        (Method::POST, format!("{}:backup", path_of("none")), path_of("none")),
    ];
    for (method, path, name) in missing {
        let expected = format!("Resource '{}' was not found", name.trim_start_matches("/v1/"));
        assert_eq!(server.send(method, &path, "").await.error(), (404, "NOT_FOUND".to_owned(), expected));
    }
    let export = server.post(&format!("{}:export", backup_path("cache", "x")), json!({ "gcsBucket": "my-bucket" })).await;
    assert_eq!(export.error().1, "NOT_FOUND");
}

#[tokio::test]
async fn ids_and_times_to_live_outside_the_rules_are_refused() {
    let server = with_cache().await;
    let path = format!("{}:backup", path_of("cache"));
    for (body, field) in [
        (json!({ "backupId": "Bad" }), "backup_id"),
        (json!({ "backupId": "../x" }), "backup_id"),
        (json!({ "backupId": "a".repeat(64) }), "backup_id"),
        (json!({ "ttl": "86399s" }), "ttl"),
        (json!({ "ttl": "3153600001s" }), "ttl"),
        (json!({ "ttl": "-86400s" }), "ttl"),
        (json!({ "ttl": "86400.5s" }), "ttl"),
        (json!({ "ttl": "a day" }), "ttl"),
        (json!({ "colour": 1 }), "colour"),
    ] {
        let (code, status, message) = server.post(&path, body.clone()).await.error();
        assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"), "{body}");
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    for (name, form) in [(format!("{COLLECTIONS}/abc"), "instance id"), (format!("{COLLECTIONS}/cache/backups/Bad"), "backup id")]
    {
        let (code, _, message) = server.get(&name).await.error();
        assert!(code == 400 && message.contains(form), "{message}");
    }
    assert_eq!(server.get(COLLECTIONS).await.ok(), json!({}), "nothing was accepted");
}

#[tokio::test]
async fn one_thing_happens_to_an_instance_at_a_time() {
    let server = with_cache().await;
    let backup = format!("{}:backup", path_of("cache"));
    let patch = format!("{}?updateMask=labels", path_of("cache"));
    server.hold();
    let running = begin_backup(&server, "cache", json!({})).await;
    let name = running["name"].as_str().expect("a name");
    for refused in [server.post(&backup, json!({})).await, server.patch(&patch, json!({})).await] {
        let (code, status, message) = refused.error();
        assert_eq!((code, status.as_str()), (409, "ABORTED"));
        assert!(message.contains(name) && refused.text.contains("operationInProgress"), "{}", refused.text);
    }
    server.release(&name_of("cache")).await;
    server.finished(&running).await;
    server.hold();
    let update = server.patch(&patch, json!({ "labels": { "a": "b" } })).await.ok();
    let refused = server.post(&backup, json!({})).await;
    assert!(refused.error().0 == 409 && refused.text.contains(update["name"].as_str().expect("a name")), "{}", refused.text);
    server.release(&name_of("cache")).await;
    server.finished(&update).await;
}

#[tokio::test]
async fn an_instance_that_was_never_complete_and_a_taken_id_are_refused() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    let again = server.post(&format!("{}:backup", path_of("cache")), json!({ "backupId": "first" })).await;
    assert_eq!(again.error().1, "ALREADY_EXISTS");
    server.hold();
    let creation = server.post(&format!("{INSTANCES}?instanceId=slow"), json!({ "shardCount": 1 })).await.ok();
    let busy = server.post(&format!("{}:backup", path_of("slow")), json!({})).await;
    assert!(busy.error().0 == 409 && busy.text.contains(creation["name"].as_str().expect("a name")), "{}", busy.text);
}

#[tokio::test]
async fn a_cancelled_backup_ends_and_leaves_no_record() {
    let server = with_cache().await;
    server.hold();
    let operation = begin_backup(&server, "cache", json!({ "backupId": "first" })).await;
    let path = format!("/v1/{}:cancel", operation["name"].as_str().expect("a name"));
    assert_eq!(server.post(&path, json!({})).await.ok(), json!({}));
    server.release(&name_of("cache")).await;
    assert_eq!(server.finished(&operation).await["error"]["code"], 1);
    server.release(&name_of("cache")).await;
    server.gone(&backup_path("cache", "first")).await;
    assert_eq!(server.get(&format!("{COLLECTIONS}/cache")).await.error().0, 404, "it held nothing else");
}

#[tokio::test]
async fn a_deleted_backup_is_gone_with_its_operation_and_a_repeated_request_is_the_same() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    backed_up(&server, "cache", "second").await;
    server.hold();
    let id = "5d3f1a52-8c2e-4a50-9a44-0ad8b6a1b009";
    let path = format!("{}?requestId={id}", backup_path("cache", "first"));
    let operation = server.delete(&path).await.ok();
    assert_eq!(operation["metadata"]["verb"], "delete");
    assert_eq!(operation["metadata"]["target"], backup_path("cache", "first").trim_start_matches("/v1/"));
    assert_eq!(server.get(&backup_path("cache", "first")).await.ok()["state"], "DELETING");
    assert_eq!(server.delete(&path).await.ok()["name"], operation["name"]);
    let altered = server.delete(&format!("{}?requestId={id}", backup_path("cache", "second"))).await;
    assert!(altered.error().1 == "INVALID_ARGUMENT" && altered.error().2.contains(id), "{}", altered.text);
    assert_eq!(server.delete(&backup_path("cache", "first")).await.error().0, 409, "it is being deleted already");
    server.release(&name_of("cache")).await;
    let finished = server.finished(&operation).await;
    assert_eq!(finished["response"], json!({ "@type": "type.googleapis.com/google.protobuf.Empty" }));
    assert_eq!(server.get(&backup_path("cache", "first")).await.error().0, 404);
    assert_eq!(server.get(&format!("{COLLECTIONS}/cache")).await.ok()["totalBackupCount"], "1");
}

#[tokio::test]
async fn backups_outlive_their_instance_and_the_collection_goes_on_with_the_next() {
    let server = with_cache().await;
    let first = backed_up(&server, "cache", "first").await;
    server.finished(&server.delete(&path_of("cache")).await.ok()).await;
    assert_eq!(server.get(&backup_path("cache", "first")).await.ok(), first);
    server.create("cache", json!({ "shardCount": 1 })).await;
    let second = backed_up(&server, "cache", "second").await;
    assert_ne!(second["instanceUid"], first["instanceUid"]);
    let collection = server.get(&format!("{COLLECTIONS}/cache")).await.ok();
    assert_eq!((&collection["totalBackupCount"], &collection["instanceUid"]), (&json!("2"), &second["instanceUid"]));
}

#[tokio::test]
async fn an_export_is_an_operation_on_the_backup_that_says_how_far_it_is() {
    let server = with_cache().await;
    let backup = backed_up(&server, "cache", "first").await;
    let path = format!("{}:export", backup_path("cache", "first"));
    for (destination, expected) in [
        ("my-bucket", "gs://my-bucket"),
        ("gs://my-bucket/some/prefix", "gs://my-bucket/some/prefix"),
        ("s3://my-bucket", "s3://my-bucket"),
        ("file:///var/exports", "file:///var/exports"),
    ] {
        server.hold();
        let operation = server.post(&path, json!({ "gcsBucket": destination })).await.ok();
        assert_eq!((&operation["metadata"]["verb"], &operation["metadata"]["target"]), (&json!("export"), &backup["name"]));
        let exports = server.store.keeping().await.expect("reads").exports;
        assert_eq!(exports.iter().map(|export| export.destination.as_str()).collect::<Vec<_>>(), [expected]);
        server.told(&operation, "copying 3 files").await;
        server.release(&name_of("cache")).await;
        let mut finished = server.finished(&operation).await;
        let response = finished["response"].as_object_mut().expect("a backup");
        assert_eq!(response.remove("@type"), Some(json!("type.googleapis.com/google.cloud.memorystore.v1.Backup")));
        assert_eq!(finished["response"], backup);
    }
}

#[tokio::test]
async fn other_destinations_are_refused_with_what_is_allowed() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    let path = format!("{}:export", backup_path("cache", "first"));
    for destination in ["", "B", "http://bucket", "/var/exports", "gs://", "file:///", "file:///../etc", "s3://user:pw@bucket"] {
        let (code, _, message) = server.post(&path, json!({ "gcsBucket": destination })).await.error();
        assert!(code == 400 && message.starts_with("gcs_bucket: ") && message.contains("s3://BUCKET/PREFIX"), "{message}");
    }
    assert_eq!(server.post(&path, json!({})).await.error().2, "gcs_bucket: name the bucket to export to");
}

#[tokio::test]
async fn a_backup_that_is_being_exported_or_made_is_not_deleted() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    server.hold();
    let export =
        server.post(&format!("{}:export", backup_path("cache", "first")), json!({ "gcsBucket": "my-bucket" })).await.ok();
    let (code, status, message) = server.delete(&backup_path("cache", "first")).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    assert!(message.contains(export["name"].as_str().expect("a name")), "{message}");
    let making = begin_backup(&server, "cache", json!({ "backupId": "second" })).await;
    let refused = server.delete(&backup_path("cache", "second")).await;
    assert!(refused.error().0 == 409 && refused.text.contains(making["name"].as_str().expect("a name")), "{}", refused.text);
    let path = format!("{}:export", backup_path("cache", "second"));
    let (code, status, message) = server.post(&path, json!({ "gcsBucket": "my-bucket" })).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"), "{message}");
}
