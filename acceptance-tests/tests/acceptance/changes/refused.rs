//! Changes that cannot be: refused before anything moves, or taken back.

use std::path::Path;

use acceptance_tests::judge::{Load, LoadOptions};
use acceptance_tests::{DaemonOptions, SCENE_INSTANCE, Scene, ask, tools_dir, wait_until};
use serde_json::{Value, json};

use super::CHANGE_LIMIT;

/// Nodes of 1.4 GB become nodes of 11 MiB for data.
const SMALL_SCALE: &str = "0.01";
/// Fits into three such nodes, and not into one.
const VALUES: usize = 180;
const VALUE_BYTES: usize = 100_000;

#[test]
fn fewer_shards_than_the_data_needs_are_refused_with_a_number_that_would_do() {
    let arguments = vec!["--memory-scale".to_owned(), SMALL_SCALE.to_owned()];
    let options = DaemonOptions { arguments, ..DaemonOptions::default() };
    let body = json!({"shardCount": 3, "replicaCount": 0, "engineConfigs": {"maxmemory-policy": "noeviction"}});
    let scene = Scene::create_with(options, &body);
    let endpoint = format!("redis://{}", acceptance_tests::discovery_address(&scene.instance()));
    let client = redis::cluster::ClusterClient::new(vec![endpoint]).expect("a client");
    let mut connection = client.get_connection().expect("it answers");
    for number in 0..VALUES {
        redis::cmd("SET").arg(format!("big:{number}")).arg("x".repeat(VALUE_BYTES)).exec(&mut connection).expect("it fits");
    }
    let before = scene.members().expect("every node answers");
    wait_until("a look at the data", CHANGE_LIMIT, || {
        let topology = scene.api().get(&format!("/v1/admin/{SCENE_INSTANCE}/topology")).body;
        let bytes = |node: &Value| node["dataBytes"].as_str().and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
        let seen: usize = topology["nodes"].as_array().into_iter().flatten().map(bytes).sum();
        if seen >= VALUES * VALUE_BYTES { Ok(()) } else { Err(topology.to_string()) }
    });
    let refused = scene.ask_for(&json!({"shardCount": 1}));
    let message = refused.body["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(message.contains('2') || message.contains('3'), "no shape that would do: {message}");
    println!("{message}");
    assert_eq!(scene.members().expect("every node answers"), before, "something moved");
    assert_eq!(scene.instance()["shardCount"], 3);
}

#[test]
fn a_change_that_finds_no_engine_is_taken_back() {
    let folder = tempfile::TempDir::with_prefix("valkyard-engines-").expect("a temporary folder");
    let engine = folder.path().join("valkey-9.1.2");
    copy(&tools_dir().join("engines/valkey-9.1.2"), &engine);
    let options = DaemonOptions { engines: Some(folder.path().to_owned()), ..DaemonOptions::default() };
    let scene = Scene::create_with(options, &json!({"shardCount": 1, "replicaCount": 0}));
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    std::fs::remove_dir_all(&engine).expect("the engine can be removed");
    let operation = scene.begin(&json!({"replicaCount": 1}));
    let ended = scene.api().wait(&operation, CHANGE_LIMIT);
    assert!(ended["error"]["message"].is_string(), "{ended}");
    println!("{}", ended["error"]["message"]);
    assert_eq!(scene.instance()["replicaCount"].as_u64().unwrap_or_default(), 0, "{}", scene.instance());
    scene.wait_until_sound();
    load.wait_for_more(10);
    assert!(ask(&acceptance_tests::discovery_address(&scene.instance()), &["PING"]).is_ok());
    load.stop().verify(&scene.instance()).flawless().expect("clients notice nothing");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a writable folder");
    for entry in std::fs::read_dir(from).expect("a readable folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a readable file");
        }
    }
}
