//! Clients that do not wait for the answer: what was accepted is worked on all the same.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::backups::backup_path;
use crate::server::{INSTANCES, Server, name_of, path_of};

/// An instance nobody woke is looked at after five seconds; one that was woken is complete within milliseconds.
const WITHOUT_WAKE: Duration = Duration::from_secs(3);

/// Waits for the operation of this verb, which exists a moment after its client has gone.
async fn finished(server: &Server, verb: &str) -> Value {
    let start = Instant::now();
    loop {
        let all = server.get("/v1/projects/local/locations/us-central1/operations").await.ok();
        let found = all["operations"].as_array().into_iter().flatten().find(|one| one["metadata"]["verb"] == verb).cloned();
        assert!(start.elapsed() < WITHOUT_WAKE, "nobody woke the loop: {all}");
        match found {
            Some(operation) if operation["done"] == true => return operation,
            Some(_) | None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_creation_is_worked_on() {
    let server = Server::start().await;
    server.send_and_hang_up(Method::POST, &format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 }).to_string());
    assert_eq!(finished(&server, "create").await["response"]["state"], "ACTIVE");
}

#[tokio::test]
async fn an_update_is_worked_on() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let labels = json!({ "labels": { "a": "b" } }).to_string();
    server.send_and_hang_up(Method::PATCH, &format!("{}?updateMask=labels", path_of("cache")), labels);
    assert_eq!(finished(&server, "update").await["response"]["labels"]["a"], "b");
}

#[tokio::test]
async fn a_deletion_is_worked_on() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    server.send_and_hang_up(Method::DELETE, &path_of("cache"), "");
    finished(&server, "delete").await;
    assert_eq!(server.get(&path_of("cache")).await.error().0, 404);
}

#[tokio::test]
async fn whatever_is_wanted_of_backups_is_worked_on() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    server.send_and_hang_up(Method::POST, &format!("{}:backup", path_of("cache")), json!({ "backupId": "first" }).to_string());
    finished(&server, "backup").await;
    let backup = backup_path("cache", "first");
    let bucket = json!({ "gcsBucket": "my-bucket" }).to_string();
    server.send_and_hang_up(Method::POST, &format!("{backup}:export"), bucket);
    assert_eq!(finished(&server, "export").await["response"]["state"], "ACTIVE");
    server.send_and_hang_up(Method::POST, &format!("{}:verify", backup.replace("/v1/", "/v1/admin/")), "");
    finished(&server, "verify").await;
    server.send_and_hang_up(Method::DELETE, &backup, "");
    finished(&server, "delete").await;
    assert_eq!(server.get(&backup).await.error().0, 404);
}

#[tokio::test]
async fn a_cancellation_is_worked_on() {
    let server = Server::start().await;
    server.hold();
    let operation = server.post(&format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 })).await.ok();
    let name = operation["name"].as_str().expect("a name");
    // The loop has looked, so that only the cancellation makes it look again.
    server.supervisor.look_again(name_of("cache").parse().expect("a name")).await;
    server.send_and_hang_up(Method::POST, &format!("/v1/{name}:cancel"), "{}");
    let start = Instant::now();
    while server.get(&path_of("cache")).await.ok()["state"] != "DELETING" {
        assert!(start.elapsed() < WITHOUT_WAKE, "the cancellation is not noted");
    }
    server.release(&name_of("cache")).await;
    assert_eq!(finished(&server, "create").await["error"]["code"], 1);
}
