//! A key that no node of the instance to be made can hold.

use acceptance_tests::{Backups, DaemonOptions, Scene, discovery_url};
use serde_json::{Value, json};

use super::{digest_of, failure, response, shape};

/// With this, a node of SHARED_CORE_NANO has room for 20 MiB, and one of STANDARD_SMALL for 93.
const SCALE: &str = "0.02";
const VALUE_BYTES: usize = 40 << 20;
/// Clients of a small node have room for some MiB.
const PART_BYTES: usize = 1 << 20;

fn of_type(shards: u16, node_type: &str) -> Value {
    let mut body = shape(shards, 0);
    body["nodeType"] = json!(node_type);
    body
}

fn is_there(scene: &Scene, instance: &str) -> bool {
    scene.api().get(&format!("/v1/projects/p/locations/us-central1/instances/{instance}")).status == 200
}

/// Whether a node of an instance was ever started.
fn was_started(scene: &Scene, instance: &str) -> bool {
    let log = scene.daemon.log();
    log.lines().any(|line| line.contains(&format!("instances/{instance}")) && line.contains("start process"))
}

#[test]
fn a_key_larger_than_a_node_is_refused_before_any_node_starts_and_told_by_its_name() {
    let arguments = vec!["--memory-scale".to_owned(), SCALE.to_owned()];
    let scene = Scene::create_with(DaemonOptions { arguments, ..DaemonOptions::default() }, &of_type(1, "STANDARD_SMALL"));
    let backups = Backups::of(scene.api());
    let client = redis::cluster::ClusterClient::new(vec![discovery_url(&scene.instance())]).expect("a URL");
    let mut connection = client.get_connection().expect("the instance answers");
    let part = "x".repeat(PART_BYTES);
    for _ in 0..VALUE_BYTES / PART_BYTES {
        let _: () = redis::cmd("APPEND").arg("huge").arg(&part).query(&mut connection).expect("there is room");
    }
    let (digest, keys) = digest_of(&backups, "cache", "first");

    // Ten nodes hold five times as much, but none of them this key.
    let refused = backups.restore_refused("cache", "first", "copy", &of_type(10, "SHARED_CORE_NANO"));
    let text = refused.body.to_string();
    assert_eq!(refused.status, 400, "{text}");
    for part in ["instance.node_type", "huge", "40.0 MiB", "STANDARD_SMALL would do"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!is_there(&scene, "copy"));

    let folder = tempfile::tempdir().expect("a folder");
    let to = format!("file://{}", folder.path().display());
    assert!(backups.export("cache", "first", &to).get("error").is_none());
    let url = format!("{to}/p.us-central1.cache/first/s0.rdb");
    let message = failure(&backups.import(std::slice::from_ref(&url), "small", &of_type(10, "SHARED_CORE_NANO")));
    for part in ["\"huge\"", "41 MiB", "choose a larger node type"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert!(!is_there(&scene, "small") && !was_started(&scene, "small"), "{}", scene.daemon.log());

    let _copy = response(&backups.import(&[url], "large", &of_type(2, "STANDARD_SMALL")));
    assert!(was_started(&scene, "large"), "this is how a start is told");
    assert_eq!(digest_of(&backups, "large", "again"), (digest, keys));
}
