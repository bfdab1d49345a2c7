//! Encodings of answers, and of requests.

use serde_json::json;

use crate::server::{INSTANCES, Server, path_of};

#[tokio::test]
async fn enums_are_numbers_for_clients_that_ask_for_it_but_names_within_operations() {
    let server = Server::start().await;
    let query = "%24alt=json%3Benum-encoding%3Dint";
    let body = json!({ "shardCount": 1, "nodeType": 1, "mode": 2 });
    let operation = server.post(&format!("{INSTANCES}?instanceId=cache&{query}"), body).await.ok();
    server.finished(&operation).await;
    let instance = server.get(&format!("{}?{query}", path_of("cache"))).await.ok();
    assert_eq!((&instance["nodeType"], &instance["state"]), (&json!(1), &json!(2)));
    let path = format!("/v1/{}?{query}", operation["name"].as_str().expect("a name"));
    let response = &server.get(&path).await.ok()["response"];
    assert_eq!((&response["nodeType"], &response["state"]), (&json!("SHARED_CORE_NANO"), &json!("ACTIVE")));
}

#[tokio::test]
async fn both_spellings_of_keys_are_understood() {
    let server = Server::start().await;
    let body = json!({ "shard_count": 2, "replica_count": "1", "node_type": "STANDARD_SMALL" });
    let operation = server.post(&format!("{INSTANCES}?instance_id=cache"), body).await.ok();
    server.finished(&operation).await;
    let instance = server.get(&path_of("cache")).await.ok();
    assert_eq!((&instance["shardCount"], &instance["replicaCount"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn answers_are_json_with_the_charset_and_indented_on_request() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let compact = server.get(&format!("{}?prettyPrint=false&alt=json", path_of("cache"))).await;
    assert_eq!(compact.headers["content-type"], "application/json; charset=UTF-8");
    assert!(!compact.text.contains('\n'));
    let pretty = server.get(&format!("{}?prettyPrint=true", path_of("cache"))).await;
    assert!(pretty.text.starts_with("{\n  \"name\": "), "{}", pretty.text);
    assert_eq!(pretty.json(), compact.json());
}

#[tokio::test]
async fn a_question_mark_without_a_query_changes_nothing() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    assert_eq!(server.get(&format!("{}?", path_of("cache"))).await.ok()["state"], "ACTIVE");
}

#[tokio::test]
async fn percent_encoded_paths_are_decoded() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let path = path_of("cache").replace("local", "%6cocal");
    assert_eq!(server.get(&path).await.ok()["state"], "ACTIVE");
}
