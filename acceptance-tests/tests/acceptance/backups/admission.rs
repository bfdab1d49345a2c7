//! Clients who know the addresses of nodes cannot use an instance that has a part of its data only.

use std::time::{Duration, Instant};

use acceptance_tests::{Backups, Scene, ask};
use serde_json::{Value, json};

use super::{response, shape, write_large_values};

const LIMIT: Duration = Duration::from_secs(60);
const SHARDS: u16 = 3;
/// Takes an engine a moment to load.
const DATA_MIB: u64 = 48;
/// The port of the first node; the others follow.
const FIRST_PORT: u16 = 11_000;

/// What the nodes of an instance say to a client that asks for a key, from before they start until one of them lets it in.
fn said_before_the_first_is_admitted(instance: &Value) -> Vec<String> {
    let ip = instance["discoveryEndpoints"][0]["address"].as_str().expect("an instance has an address").to_owned();
    let (mut said, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < LIMIT {
        for port in FIRST_PORT..FIRST_PORT + SHARDS {
            match ask(&format!("{ip}:{port}"), &["PING"]) {
                Ok(_) => return said,
                Err(error) => said.push(error),
            }
        }
    }
    panic!("nobody was ever admitted: {said:?}");
}

#[test]
fn nodes_that_are_being_restored_admit_nobody_before_all_keys_of_all_shards_are_in() {
    let scene = Scene::create(&shape(1, 0));
    let backups = Backups::of(scene.api());
    write_large_values(&scene, DATA_MIB);
    let _taken = backups.take("cache", "first");
    let mut body = json!({"nodeType": "SHARED_CORE_NANO", "shardCount": SHARDS, "replicaCount": 0});
    body["managedBackupSource"] = json!({"backup": Backups::name("cache", "first")});
    let answer = scene.api().call("POST", "/v1/projects/p/locations/us-central1/instances?instanceId=copy", &body.to_string());
    let operation = answer.body["name"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let copy = scene.api().get("/v1/projects/p/locations/us-central1/instances/copy").body;
    let said = said_before_the_first_is_admitted(&copy);
    let is_shut = |error: &String| error.contains("NOAUTH") || error.contains("Authentication required");
    assert!(said.iter().any(is_shut), "nobody was refused: {:?}", said.last());
    // An engine says so to those that it admits.
    assert!(!said.iter().any(|error| error.to_lowercase().contains("loading")), "{said:?}");
    let held: u64 = (FIRST_PORT..FIRST_PORT + SHARDS).map(|port| keys_of(&copy, port)).sum();
    assert_eq!(held, DATA_MIB);
    let _copy = response(&scene.api().wait(&operation, LIMIT));
}

/// Keys of a node, once it says them.
fn keys_of(instance: &Value, port: u16) -> u64 {
    let ip = instance["discoveryEndpoints"][0]["address"].as_str().expect("an instance has an address");
    acceptance_tests::wait_until("a node to say its keys", LIMIT, || {
        ask(&format!("{ip}:{port}"), &["DBSIZE"])?.parse().map_err(|_| "DBSIZE is a number".to_owned())
    })
}
