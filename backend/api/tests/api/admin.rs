//! The administration API, over REST and gRPC. No nodes run here; what is told of nodes has its own tests.

use admin_proto::v1::admin_client::AdminClient;
use admin_proto::v1::{GetTopologyRequest, InstanceState, WatchOperationRequest};
use serde_json::{Value, json};
use tonic::Code;

use crate::server::{INSTANCES, Server, name_of};

fn topology_of(id: &str) -> String {
    format!("/v1/admin/{}/topology", name_of(id))
}

async fn client(server: &Server) -> AdminClient<tonic::transport::Channel> {
    AdminClient::connect(server.base.clone()).await.expect("a connection")
}

#[tokio::test]
async fn a_topology_tells_state_and_shapes_alike_over_both_transports() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 3, "replicaCount": 1 })).await;
    let topology = server.get(&topology_of("cache")).await.ok();
    assert_eq!((&topology["instance"], &topology["state"]), (&json!(name_of("cache")), &json!("ACTIVE")));
    assert_eq!((&topology["target"]["shardCount"], &topology["settled"]["replicaCount"]), (&json!(3), &json!(1)));
    let request = GetTopologyRequest { name: name_of("cache") };
    let same = client(&server).await.get_topology(request).await.expect("it is there").into_inner();
    assert_eq!(
        (same.state(), same.generation.to_string()),
        (InstanceState::Active, topology["generation"].as_str().unwrap().to_owned())
    );
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_what_is_misspelt_is_refused() {
    let server = Server::start().await;
    assert_eq!(server.get(&topology_of("nothing")).await.error().1, "NOT_FOUND");
    assert_eq!(server.get("/v1/admin/topologies").await.error().1, "NOT_FOUND");
    assert_eq!(server.get("/v1/admin/nodes?colour=red").await.error().1, "INVALID_ARGUMENT");
    assert_eq!(server.get(&format!("/v1/admin/nodes?instance={}", name_of("nothing"))).await.error().1, "NOT_FOUND");
    assert_eq!(server.post("/v1/admin/nodes", json!({})).await.error().0, 405);
    let (code, status, message) = server.post("/v1/admin/zones/us-central1-a:take", json!({ "manner": "BURN" })).await.error();
    assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"));
    assert!(message.contains("BURN"), "{message}");
    let refused = client(&server).await.get_topology(GetTopologyRequest::default()).await.expect_err("no name");
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_zone_is_away_until_it_is_given_back() {
    let server = Server::start().await;
    let outages = async || server.get("/v1/admin/zoneOutages").await.ok()["outages"].clone();
    assert_eq!(outages().await, json!([]));
    let taken = server.post("/v1/admin/zones/us-central1-a:take", json!({ "manner": "HANG" })).await.ok();
    assert_eq!((&taken["zone"], &taken["manner"]), (&json!("us-central1-a"), &json!("HANG")));
    assert_eq!(outages().await, json!([taken]));
    let again = server.post("/v1/admin/zones/us-central1-a:take", json!({})).await.ok();
    assert_eq!(
        (&again["manner"], &again["since"]),
        (&json!("STOP"), &taken["since"]),
        "the manner changes, the beginning does not"
    );
    server.post("/v1/admin/zones/us-central1-a:give", json!({})).await.ok();
    assert_eq!(outages().await, json!([]));
    let (code, status, _) = server.post("/v1/admin/zones/us-central1-a:give", json!({})).await.error();
    assert_eq!((code, status.as_str()), (400, "FAILED_PRECONDITION"));
}

#[tokio::test]
async fn only_zones_of_a_region_can_be_taken() {
    let server = Server::start().await;
    for odd in ["us-central1", "us-central1-d", "a", "moon-a"] {
        let (_, status, message) = server.post(&format!("/v1/admin/zones/{odd}:take"), json!({})).await.error();
        assert!(status == "INVALID_ARGUMENT" && message.contains("us-central1-a"), "{odd}: {message}");
    }
}

#[tokio::test]
async fn a_watch_tells_each_change_and_ends_with_the_operation() {
    let server = Server::start().await;
    server.hold();
    let operation: Value = server.post(&format!("{INSTANCES}?instanceId=cache"), json!({ "shardCount": 1 })).await.ok();
    let request = WatchOperationRequest { name: operation["name"].as_str().expect("a name").to_owned() };
    let mut client = client(&server).await;
    let mut progress = client.watch_operation(request).await.expect("accepted").into_inner();
    let first = progress.message().await.expect("a stream").expect("at once");
    assert!(!first.done && !first.steps.is_empty(), "{first:?}");
    server.release(&name_of("cache")).await;
    let mut last = first;
    while let Some(next) = progress.message().await.expect("a stream") {
        assert!(next.done || next.steps != last.steps, "nothing new: {next:?}");
        last = next;
    }
    assert!(last.done && last.steps.is_empty() && last.error.is_empty(), "{last:?}");
    let refused = client.watch_operation(WatchOperationRequest { name: "x".to_owned() }).await.expect_err("no such name");
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_failover_needs_nodes_that_were_seen() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 2, "replicaCount": 1 })).await;
    let path = format!("/v1/admin/{}:failOver", name_of("cache"));
    let (_, status, message) = server.post(&path, json!({ "shard": 7 })).await.error();
    assert!(status == "INVALID_ARGUMENT" && message.contains("no shard 7"), "{message}");
    let (_, status, _) = server.post(&path, json!({ "shards": 7 })).await.error();
    assert_eq!(status, "INVALID_ARGUMENT");
    let path = format!("/v1/admin/{}:failOver", name_of("nothing"));
    assert_eq!(server.post(&path, json!({})).await.error().1, "NOT_FOUND");
}
