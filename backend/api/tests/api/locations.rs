//! Regions.

use serde_json::{Value, json};

use crate::server::Server;

fn ids(page: &Value) -> Vec<&str> {
    page["locations"].as_array().expect("a list").iter().map(|l| l["locationId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn regions_in_use_are_listed_with_the_well_known_ones() {
    let server = Server::start().await;
    let path = "/v1/projects/local/locations/local-dev1/instances?instanceId=cache";
    let operation = server.post(path, json!({ "shardCount": 1 })).await.ok();
    server.finished(&operation).await;
    let mine = server.get("/v1/projects/local/locations").await.ok();
    assert!(ids(&mine).contains(&"local-dev1") && ids(&mine).contains(&"us-central1"), "{mine}");
    let others = server.get("/v1/projects/other/locations").await.ok();
    assert!(!ids(&others).contains(&"local-dev1"), "{others}");
    let first = server.get("/v1/projects/local/locations?pageSize=3").await.ok();
    let token = first["nextPageToken"].as_str().expect("there is more");
    let rest = server.get(&format!("/v1/projects/local/locations?pageToken={token}")).await.ok();
    assert_eq!([ids(&first), ids(&rest)].concat(), ids(&mine));
}

#[tokio::test]
async fn every_well_formed_region_exists_and_no_zone_does() {
    let server = Server::start().await;
    let region = server.get("/v1/projects/local/locations/mars-north1").await.ok();
    assert_eq!(region["name"], "projects/local/locations/mars-north1");
    assert_eq!(region["labels"]["cloud.googleapis.com/region"], "mars-north1");
    assert_eq!(server.get("/v1/projects/local/locations/us-central1-a").await.error().0, 400);
}
