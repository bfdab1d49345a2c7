//! Long-running operations.

use serde_json::{Value, json};

use crate::server::{INSTANCES, Server, laid_out, name_of, path_of};

const OPERATIONS: &str = "/v1/projects/local/locations/us-central1/operations";

fn path(operation: &Value) -> String {
    format!("/v1/{}", operation["name"].as_str().expect("a name"))
}

#[tokio::test]
async fn an_operation_has_the_shape_clients_know_before_and_after() {
    let server = Server::start().await;
    server.hold();
    let running = server.post(&format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 })).await.ok();
    insta::assert_snapshot!("running_operation", laid_out(&running));
    server.release(&name_of("cache")).await;
    let mut finished = server.finished(&running).await;
    assert_eq!(finished["response"], {
        let mut instance = server.get(&path_of("cache")).await.ok();
        instance["@type"] = json!("type.googleapis.com/google.cloud.memorystore.v1.Instance");
        instance
    });
    finished["response"] = json!("as from a get");
    insta::assert_snapshot!("finished_operation", laid_out(&finished));
}

#[tokio::test]
async fn a_cancelled_creation_ends_with_code_one_and_leaves_nothing() {
    let server = Server::start().await;
    server.hold();
    let operation = server.post(&format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 })).await.ok();
    assert_eq!(server.post(&format!("{}:cancel", path(&operation)), json!({})).await.ok(), json!({}));
    let waiting = server.get(&path(&operation)).await.ok();
    assert_eq!(waiting["metadata"]["requestedCancellation"], true);
    assert_eq!(server.get(&path_of("cache")).await.ok()["state"], "DELETING");
    server.release(&name_of("cache")).await;
    assert_eq!(server.finished(&operation).await["error"]["code"], 1);
    assert_eq!(server.get(&path_of("cache")).await.error().0, 404);
}

#[tokio::test]
async fn cancelling_too_late_changes_nothing() {
    let server = Server::start().await;
    let operation = server.create("cache", json!({ "shardCount": 1 })).await;
    server.send(http::Method::POST, &format!("{}:cancel", path(&operation)), "").await.ok();
    assert_eq!(server.get(&path(&operation)).await.ok(), operation);
}

#[tokio::test]
async fn finished_operations_can_be_deleted_and_unfinished_ones_cannot() {
    let server = Server::start().await;
    let finished = server.create("cache", json!({ "shardCount": 1 })).await;
    assert_eq!(server.delete(&path(&finished)).await.ok(), json!({}));
    assert_eq!(server.get(&path(&finished)).await.error().0, 404);
    server.hold();
    let running = server.delete(&path_of("cache")).await.ok();
    assert_eq!(server.delete(&path(&running)).await.error().1, "FAILED_PRECONDITION");
    server.release(&name_of("cache")).await;
}

#[tokio::test]
async fn operations_are_found_in_their_place_only() {
    let server = Server::start().await;
    let operation = server.create("cache", json!({ "shardCount": 1 })).await;
    let id = operation["name"].as_str().expect("a name").rsplit('/').next().expect("an id").to_owned();
    for (method, path) in [
        (http::Method::GET, format!("/v1/projects/other/locations/us-central1/operations/{id}")),
        (http::Method::GET, format!("{OPERATIONS}/none")),
        (http::Method::DELETE, format!("{OPERATIONS}/none")),
        (http::Method::POST, format!("{OPERATIONS}/none:cancel")),
    ] {
        let (code, status, message) = server.send(method, &path, "").await.error();
        assert_eq!((code, status.as_str()), (404, "NOT_FOUND"));
        assert!(message.starts_with("Resource 'projects/"), "{message}");
    }
}

#[tokio::test]
async fn operations_are_listed_oldest_first_in_pages() {
    let server = Server::start().await;
    let mut expected = Vec::new();
    for id in ["aaaa", "bbbb", "cccc"] {
        expected.push(server.create(id, json!({ "shardCount": 1 })).await["name"].clone());
    }
    let names = |page: &Value| -> Vec<Value> {
        page["operations"].as_array().expect("a list").iter().map(|operation| operation["name"].clone()).collect()
    };
    let first = server.get(&format!("{OPERATIONS}?pageSize=2")).await.ok();
    let token = first["nextPageToken"].as_str().expect("there is more");
    let second = server.get(&format!("{OPERATIONS}?page_token={token}")).await.ok();
    assert_eq!([names(&first), names(&second)].concat(), expected);
    assert!(second.get("nextPageToken").is_none());
    assert_eq!(server.get("/v1/projects/local/locations/europe-west1/operations").await.ok(), json!({}));
    assert_eq!(names(&server.get("/v1/projects/local/locations/-/operations").await.ok()).len(), 3);
}
