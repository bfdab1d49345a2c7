//! What the administration API says of backups: details, verification, progress, the clock of schedules.

use admin_proto::v1::admin_client::AdminClient;
use admin_proto::v1::{self, GetBackupDetailsRequest, ListBackupDetailsRequest, VerifyBackupRequest, WatchOperationRequest};
use serde_json::json;
use tonic::Code;

use crate::backups::{backed_up, backup_path, begin_backup, with_cache};
use crate::server::{Server, name_of};
use crate::world::TestPlatform;

const PLACE: &str = "/v1/admin/projects/local/locations/us-central1/backupCollections";
const BACKUP: &str = "projects/local/locations/us-central1/backupCollections/cache/backups/first";

async fn client(server: &Server) -> AdminClient<tonic::transport::Channel> {
    AdminClient::connect(server.base.clone()).await.expect("a connection")
}

#[tokio::test]
async fn details_tell_what_is_in_a_backup_alike_over_both_transports() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    let details = server.get(&format!("{PLACE}/cache/backups/first")).await.ok();
    assert_eq!((&details["keys"], &details["sizeBytes"], &details["state"]), (&json!("20"), &json!("200"), &json!("ACTIVE")));
    assert_eq!(details["shards"][1]["slots"], "8192-16383");
    assert_eq!((&details["verification"]["state"], &details["inUseBy"]), (&json!("STATE_UNSPECIFIED"), &json!([])));
    assert_eq!(details["digest"], "c".repeat(32));
    let request = GetBackupDetailsRequest { name: BACKUP.to_owned() };
    let same = client(&server).await.get_backup_details(request).await.expect("there").into_inner();
    assert_eq!(
        (same.keys, same.origin(), same.url.as_str()),
        (20, v1::backup_details::Origin::OnDemand, details["url"].as_str().expect("a url"))
    );
}

#[tokio::test]
async fn lists_of_details_are_newest_first() {
    let server = with_cache().await;
    server.create("other", json!({ "shardCount": 1 })).await;
    for (instance, backup) in [("cache", "zz"), ("other", "mm"), ("cache", "aa")] {
        backed_up(&server, instance, backup).await;
    }
    let ids = async |parent: &str| {
        let request = ListBackupDetailsRequest { parent: format!("projects/local/locations/{parent}") };
        let found = client(&server).await.list_backup_details(request).await.expect("a list").into_inner().backups;
        found.iter().map(|one| one.name.rsplit('/').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("-/backupCollections/-").await, ["aa", "mm", "zz"]);
    assert_eq!(ids("us-central1/backupCollections/cache").await, ["aa", "zz"]);
    assert_eq!(server.get(&format!("{PLACE}/-/backups")).await.ok()["backups"].as_array().map(Vec::len), Some(3));
    assert_eq!(server.get(&format!("{PLACE}/none/backups")).await.error().1, "NOT_FOUND");
    assert_eq!(server.get(&format!("{PLACE}/cache/backups/none")).await.error().1, "NOT_FOUND");
    assert_eq!(server.get(&format!("{PLACE}/cache/backups/Bad")).await.error().1, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn a_verification_is_an_operation_of_the_public_api_and_one_runs_at_a_time() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    server.hold();
    let path = format!("{PLACE}/cache/backups/first:verify");
    let accepted = server.post(&path, json!({})).await.ok();
    let running = server.get(&format!("/v1/{}", accepted["operation"].as_str().expect("a name"))).await.ok();
    assert_eq!((&running["metadata"]["verb"], &running["metadata"]["target"]), (&json!("verify"), &json!(BACKUP)));
    let scratch = server.store.keeping().await.expect("reads").verifications.remove(0).scratch.to_string();
    let (place, digits) = scratch.split_at(scratch.len() - 8);
    assert_eq!(place, "projects/valkyard-scratch/locations/us-central1/instances/verify-");
    assert!(digits.bytes().all(|b| b.is_ascii_hexdigit()), "{scratch}");
    server.told(&running, "comparing 10 keys").await;
    let refused = server.post(&path, json!({})).await;
    assert!(
        refused.error().0 == 409 && refused.text.contains(accepted["operation"].as_str().expect("a name")),
        "{}",
        refused.text
    );
    let details = format!("{PLACE}/cache/backups/first");
    let during = server.get(&details).await.ok();
    assert_eq!((&during["verification"]["state"], &during["inUseBy"]), (&json!("RUNNING"), &json!([accepted["operation"]])));
    assert_eq!(server.delete(&backup_path("cache", "first")).await.error().1, "FAILED_PRECONDITION");
    server.release(&name_of("cache")).await;
    let finished = server.finished(&running).await;
    assert_eq!(finished["response"]["name"], BACKUP);
    let after = server.get(&details).await.ok();
    assert_eq!(
        (&after["verification"]["state"], &after["verification"]["detail"]),
        (&json!("PASSED"), &json!("10 keys are the same"))
    );
    let missing = VerifyBackupRequest { name: format!("{BACKUP}-none") };
    assert_eq!(client(&server).await.verify_backup(missing).await.expect_err("not there").code(), Code::NotFound);
}

#[tokio::test]
async fn progress_tells_bytes_of_loops_and_of_the_keeper() {
    let server = with_cache().await;
    backed_up(&server, "cache", "first").await;
    server.hold();
    let making = begin_backup(&server, "cache", json!({})).await;
    let path = |name: &serde_json::Value| format!("/v1/admin/{}/progress", name.as_str().expect("a name"));
    let progress = server.until(&path(&making["name"]), |progress| !progress["moved"].is_null()).await;
    assert_eq!(
        (&progress["verb"], &progress["target"], &progress["done"]),
        (&json!("backup"), &json!(name_of("cache")), &json!(false))
    );
    assert_eq!((&progress["moved"]["bytes"], &progress["moved"]["bytesTotal"]), (&json!("12582912"), &json!("0")));
    let export = server.post(&format!("{}:export", backup_path("cache", "first")), json!({ "gcsBucket": "bucket" })).await.ok();
    let progress = server.until(&path(&export["name"]), |progress| !progress["moved"].is_null()).await;
    assert_eq!(progress["steps"], json!(["copying 3 files"]));
    assert_eq!((&progress["moved"]["keys"], &progress["moved"]["keysTotal"]), (&json!("5"), &json!("10")));
    let request = WatchOperationRequest { name: export["name"].as_str().expect("a name").to_owned() };
    let mut watch = client(&server).await.watch_operation(request).await.expect("accepted").into_inner();
    let first = watch.message().await.expect("a stream").expect("at once");
    assert_eq!((first.target.as_str(), first.moved.map(|moved| moved.bytes)), (BACKUP, Some(50)));
    server.release(&name_of("cache")).await;
    let mut last = first;
    while let Some(next) = watch.message().await.expect("a stream") {
        last = next;
    }
    assert!(last.done && last.error.is_empty(), "{last:?}");
    server.finished(&making).await;
    let progress = server.get(&path(&making["name"])).await.ok();
    assert_eq!((&progress["done"], &progress["steps"]), (&json!(true), &json!([])));
    assert_eq!(server.get(&path(&json!("projects/local/locations/us-central1/operations/none"))).await.error().1, "NOT_FOUND");
}

#[tokio::test]
async fn the_clock_of_schedules_moves_where_it_may() {
    let server = Server::start().await;
    assert_eq!(server.get("/v1/admin/clock").await.ok()["aheadSeconds"], "0");
    let moved = server.post("/v1/admin/clock:advance", json!({ "seconds": "86400" })).await.ok();
    assert_eq!(moved["aheadSeconds"], "86400");
    assert!(moved["time"].as_str().is_some_and(|time| time.starts_with("2026-01-02T00:00:")), "{moved}");
    assert_eq!(server.post("/v1/admin/clock:advance", json!({ "seconds": -86_400 })).await.ok()["aheadSeconds"], "0");
    for far in ["9223372036854775807", "-9223372036854775808", "4300000000", "-2000000000"] {
        let (code, _, message) = server.post("/v1/admin/clock:advance", json!({ "seconds": far })).await.error();
        assert!(code == 400 && message.starts_with("seconds: the clock shows 2026-01-01"), "{message}");
    }
    let fixed = Server::start_on(TestPlatform { clock_is_fixed: true, ..TestPlatform::default() }).await;
    let (code, status, message) = fixed.post("/v1/admin/clock:advance", json!({ "seconds": 1 })).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    assert!(message.contains("--adjustable-clock"), "{message}");
}
