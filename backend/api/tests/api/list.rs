//! Lists of instances.

use serde_json::{Value, json};

use crate::server::{INSTANCES, Server, path_of};

fn ids(page: &Value) -> Vec<String> {
    let instances = page["instances"].as_array().cloned().unwrap_or_default();
    let id = |instance: &Value| instance["name"].as_str().expect("a name").rsplit('/').next().unwrap_or_default().to_owned();
    instances.iter().map(id).collect()
}

/// Five instances, created out of order, over two regions and two projects.
async fn with_five() -> Server {
    let server = Server::start().await;
    for (parent, id, team) in [
        ("local/locations/us-central1", "dddd", "web"),
        ("local/locations/us-central1", "bbbb", "data"),
        ("local/locations/us-central1", "cccc", "web"),
        ("local/locations/europe-west1", "aaaa", "web"),
        ("other/locations/us-central1", "eeee", "web"),
    ] {
        let path = format!("/v1/projects/{parent}/instances?instanceId={id}");
        let operation = server.post(&path, json!({ "shardCount": 1, "labels": { "team": team } })).await.ok();
        server.finished(&operation).await;
    }
    server
}

#[tokio::test]
async fn a_list_is_of_one_place_and_by_name() {
    let server = with_five().await;
    assert_eq!(ids(&server.get(INSTANCES).await.ok()), ["bbbb", "cccc", "dddd"]);
    assert_eq!(ids(&server.get("/v1/projects/local/locations/europe-west1/instances").await.ok()), ["aaaa"]);
    assert_eq!(server.get("/v1/projects/nobody/locations/us-central1/instances").await.ok(), json!({}));
}

#[tokio::test]
async fn a_dash_stands_for_every_place() {
    let server = with_five().await;
    let all_places = server.get("/v1/projects/local/locations/-/instances").await.ok();
    assert_eq!(ids(&all_places), ["aaaa", "bbbb", "cccc", "dddd"]);
    let everything = server.get("/v1/projects/-/locations/-/instances").await.ok();
    assert_eq!(ids(&everything), ["aaaa", "bbbb", "cccc", "dddd", "eeee"]);
}

#[tokio::test]
async fn pages_together_are_the_list_in_every_order() {
    let server = with_five().await;
    for (order, expected) in [
        ("", ["bbbb", "cccc", "dddd"]),
        ("name", ["bbbb", "cccc", "dddd"]),
        ("name%20desc", ["dddd", "cccc", "bbbb"]),
        ("create_time", ["dddd", "bbbb", "cccc"]),
        ("createTime+desc", ["cccc", "bbbb", "dddd"]),
    ] {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let page = server.get(&format!("{INSTANCES}?pageSize=2&orderBy={order}&pageToken={token}")).await.ok();
            found.extend(ids(&page));
            match page["nextPageToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        assert_eq!(found, expected, "order {order:?}");
    }
}

#[tokio::test]
async fn a_full_last_page_has_no_token() {
    let server = with_five().await;
    let page = server.get(&format!("{INSTANCES}?pageSize=3")).await.ok();
    assert_eq!((ids(&page).len(), page.get("nextPageToken")), (3, None));
}

#[tokio::test]
async fn filters_pick_instances_over_pages() {
    let server = with_five().await;
    for (filter, expected) in [
        ("labels.team=web", vec!["cccc", "dddd"]),
        ("labels.team!=web", vec!["bbbb"]),
        ("labels.team:*%20AND%20name:cc", vec!["cccc"]),
        ("name=dddd", vec!["dddd"]),
        ("state=ACTIVE", vec!["bbbb", "cccc", "dddd"]),
        ("state=DELETING", vec![]),
        ("labels.none:*", vec![]),
    ] {
        assert_eq!(ids(&server.get(&format!("{INSTANCES}?filter={filter}")).await.ok()), expected, "{filter}");
    }
    let page = server.get(&format!("{INSTANCES}?filter=labels.team=web&pageSize=1")).await.ok();
    let token = page["nextPageToken"].as_str().expect("there is more");
    let next = server.get(&format!("{INSTANCES}?filter=labels.team=web&pageSize=1&pageToken={token}")).await.ok();
    assert_eq!((ids(&page), ids(&next)), (vec!["cccc".to_owned()], vec!["dddd".to_owned()]));
}

#[tokio::test]
async fn what_a_list_does_not_understand_is_refused() {
    let server = with_five().await;
    for (query, field) in [
        ("filter=shardCount%3E3", "filter"),
        ("orderBy=uid", "order_by"),
        ("orderBy=name,create_time", "order_by"),
        ("pageToken=garbage", "page_token"),
    ] {
        let (code, _, message) = server.get(&format!("{INSTANCES}?{query}")).await.error();
        assert_eq!(code, 400, "{query}");
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    let by_name = server.get(&format!("{INSTANCES}?pageSize=1")).await.ok();
    let token = by_name["nextPageToken"].as_str().expect("there is more");
    assert_eq!(server.get(&format!("{INSTANCES}?orderBy=create_time&pageToken={token}")).await.error().0, 400);
}

#[tokio::test]
async fn a_page_goes_on_after_an_instance_that_is_gone() {
    let server = with_five().await;
    let page = server.get(&format!("{INSTANCES}?pageSize=1")).await.ok();
    let deletion = server.delete(&path_of("bbbb")).await.ok();
    server.finished(&deletion).await;
    let token = page["nextPageToken"].as_str().expect("there is more");
    let rest = server.get(&format!("{INSTANCES}?pageToken={token}")).await.ok();
    assert_eq!(ids(&rest), ["cccc", "dddd"]);
}
