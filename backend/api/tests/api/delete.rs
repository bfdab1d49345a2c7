//! Deleting instances.

use serde_json::json;

use crate::server::{Server, name_of, path_of};

#[tokio::test]
async fn a_deleted_instance_is_gone_when_its_operation_has_finished() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let operation = server.delete(&path_of("cache")).await.ok();
    assert_eq!(operation["metadata"]["verb"], "delete");
    let finished = server.finished(&operation).await;
    assert_eq!(finished["response"], json!({ "@type": "type.googleapis.com/google.protobuf.Empty" }));
    assert_eq!(server.get(&path_of("cache")).await.error().0, 404);
}

#[tokio::test]
async fn a_missing_instance_is_not_found() {
    let server = Server::start().await;
    let expected = (404, "NOT_FOUND".to_owned(), format!("Resource '{}' was not found", name_of("none")));
    assert_eq!(server.delete(&path_of("none")).await.error(), expected);
    assert_eq!(server.get(&path_of("none")).await.error(), expected);
}

#[tokio::test]
async fn a_protected_instance_stays() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1, "deletionProtectionEnabled": true })).await;
    let (code, status, message) = server.delete(&path_of("cache")).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
    assert!(message.starts_with("The instance is deletion protected."), "{message}");
    assert_eq!(server.get(&path_of("cache")).await.ok()["state"], "ACTIVE");
}

#[tokio::test]
async fn a_second_deletion_waits_for_the_first_and_a_repeated_one_is_the_first() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    server.hold();
    let path = format!("{}?requestId=5d3f1a52-8c2e-4a50-9a44-0ad8b6a1b003", path_of("cache"));
    let first = server.delete(&path).await.ok();
    assert_eq!(server.get(&path_of("cache")).await.ok()["state"], "DELETING");
    let second = server.delete(&path_of("cache")).await;
    assert_eq!(second.error().0, 409);
    assert!(second.text.contains("operationInProgress"), "{}", second.text);
    assert_eq!(server.delete(&path).await.ok()["name"], first["name"]);
    server.release(&name_of("cache")).await;
    server.finished(&first).await;
}

#[tokio::test]
async fn a_deletion_overtakes_a_creation() {
    let server = Server::start().await;
    server.hold();
    let path = format!("{}?instanceId=cache", crate::server::INSTANCES);
    let creation = server.post(&path, json!({ "shardCount": 1 })).await.ok();
    let deletion = server.delete(&path_of("cache")).await.ok();
    assert_eq!(server.finished(&creation).await["error"]["code"], 10);
    server.release(&name_of("cache")).await;
    server.finished(&deletion).await;
}
