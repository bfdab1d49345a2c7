//! The same keys come out, in any division into shards, in the same and in newer engines.

use std::time::Duration;

use acceptance_tests::judge::{DataSet, Load, LoadOptions};
use acceptance_tests::{Backups, Scene, engines};
use serde_json::json;

use super::{COPIES, digest_of, failure, response, shape};

const DELETE_LIMIT: Duration = Duration::from_secs(60);
/// Writes that show that clients go on during a backup.
const SOME_WRITES: usize = 300;

#[test]
fn a_backup_holds_everything_and_comes_back_in_any_number_of_shards() {
    for engine in engines() {
        let scene = Scene::create(&json!({"shardCount": 3, "replicaCount": 1, "engineVersion": engine.api_version}));
        let backups = Backups::of(scene.api());
        let data = DataSet::write(&scene.instance(), COPIES);
        let _in_sync = scene.primaries();
        let details = backups.take("cache", "first");
        assert_eq!((&details["state"], details["shards"].as_array().map(Vec::len)), (&json!("ACTIVE"), Some(3)), "{details}");
        for (shards, replicas) in [(3, 0), (5, 0), (1, 1)] {
            let mut body = shape(shards, replicas);
            body["engineVersion"] = json!(engine.api_version);
            let copy = response(&backups.restore("cache", "first", "copy", &body));
            assert_eq!(copy["state"], "ACTIVE", "{copy}");
            let intact = data.is_intact(&copy);
            assert!(intact.is_ok(), "{} to {shards} shards: {}", engine.api_version, intact.unwrap_err());
            let (digest, keys) = digest_of(&backups, "copy", &format!("of-{shards}"));
            assert_eq!((&json!(digest), &json!(keys)), (&details["digest"], &details["keys"]), "{shards} shards");
            scene.api().delete_and_wait("copy", DELETE_LIMIT);
        }
    }
}

#[test]
fn a_backup_of_an_older_engine_is_restored_into_a_newer_one_and_not_the_other_way() {
    let scene = Scene::create(&json!({"shardCount": 2, "engineVersion": "VALKEY_8_0"}));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _taken = backups.take("cache", "old");
    let newer = json!({"shardCount": 3, "engineVersion": "VALKEY_9_1"});
    let copy = response(&backups.restore("cache", "old", "newer", &newer));
    assert_eq!(copy["engineVersion"], "VALKEY_9_1");
    data.is_intact(&copy).expect("every key is there");
    let _taken = backups.take("newer", "new");
    let mut body = json!({"shardCount": 3, "engineVersion": "VALKEY_8_0", "nodeType": "SHARED_CORE_NANO"});
    body["managedBackupSource"] = json!({"backup": Backups::name("newer", "new")});
    let path = "/v1/projects/p/locations/us-central1/instances?instanceId=older";
    let refused = scene.api().call("POST", path, &body.to_string());
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.to_string().contains("VALKEY_9_1"), "{}", refused.body);
}

#[test]
fn a_file_of_a_newer_engine_is_refused_by_an_older_one() {
    let scene = Scene::create(&json!({"shardCount": 1, "engineVersion": "VALKEY_9_1"}));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), 3);
    let _taken = backups.take("cache", "new");
    let url = format!("file://{}/backups/p.us-central1.cache/new/s0.rdb", scene.data_dir().display());
    let older = json!({"shardCount": 1, "engineVersion": "VALKEY_8_0"});
    let message = failure(&backups.import(std::slice::from_ref(&url), "copy", &older));
    for part in ["RDB version 80", "VALKEY_8_0 reads versions up to 11", "choose a newer engine_version"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert_eq!(scene.api().get("/v1/projects/p/locations/us-central1/instances/copy").status, 404);
    let newer = json!({"shardCount": 1, "engineVersion": "VALKEY_9_1"});
    data.is_intact(&response(&backups.import(&[url], "copy", &newer))).expect("every key is there");
}

#[test]
fn clients_go_on_during_a_backup_and_what_they_wrote_before_is_in_it() {
    let scene = Scene::create(&shape(2, 1));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _in_sync = scene.primaries();
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    load.wait_for_more(SOME_WRITES);
    let _taken = backups.take("cache", "busy");
    load.wait_for_more(SOME_WRITES);
    let report = load.stop().verify(&scene.instance());
    report.flawless().expect("nothing acknowledged is lost, and nobody saw an error");
    let copy = response(&backups.restore("cache", "busy", "copy", &shape(3, 0)));
    data.is_intact(&copy).expect("what was there before is there");
}

#[test]
fn a_collection_outlives_its_instance_and_goes_on_with_the_next_of_its_name() {
    let scene = Scene::create(&shape(1, 0));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), 3);
    let _taken = backups.take("cache", "first");
    scene.api().delete_and_wait("cache", DELETE_LIMIT);
    assert_eq!(backups.list("cache").len(), 1);
    let again = response(&backups.restore("cache", "first", "cache", &shape(2, 0)));
    data.is_intact(&again).expect("everything is back");
    let _taken = backups.take("cache", "second");
    assert_eq!(backups.list("cache").len(), 2);
    assert!(backups.finish(&backups.delete("cache", "first")).get("error").is_none());
    assert_eq!(backups.list("cache").len(), 1);
}

#[test]
fn persistence_goes_on_from_what_was_restored() {
    for persistence in [json!({"mode": "AOF"}), json!({"mode": "RDB", "rdbConfig": {"rdbSnapshotPeriod": "ONE_HOUR"}})] {
        let scene = Scene::create(&shape(1, 0));
        let backups = Backups::of(scene.api());
        let data = DataSet::write(&scene.instance(), 5);
        let _taken = backups.take("cache", "first");
        let mut body = shape(2, 1);
        body["persistenceConfig"] = persistence;
        let copy = response(&backups.restore("cache", "first", "copy", &body));
        for node in acceptance_tests::node_processes(&scene.data_dir()) {
            acceptance_tests::kill_9(node.pid);
        }
        acceptance_tests::wait_until("everything is back", DELETE_LIMIT, || {
            let is_there = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| data.is_intact(&copy)));
            is_there.unwrap_or_else(|_| Err("it does not answer yet".to_owned()))
        });
    }
}

#[test]
fn two_at_once_are_refused_and_too_little_room_is_told_before_anything_starts() {
    let scene = Scene::create(&shape(2, 0));
    let backups = Backups::of(scene.api());
    let _data = DataSet::write(&scene.instance(), COPIES);
    let first = backups.ask("cache", "one");
    let second = backups.ask("cache", "two");
    let change = scene.ask_for(&json!({"shardCount": 3}));
    let is_refused = |status: u16| status == 409;
    assert!(backups.finish(&first).get("error").is_none());
    assert!(is_refused(second.status) && is_refused(change.status), "{second:?} {change:?}");
    let taken = backups.ask("cache", "one");
    assert_eq!(taken.status, 409, "{taken:?}");
    let missing = backups.restore_refused("cache", "none", "copy", &shape(1, 0));
    assert_eq!(missing.status, 404, "{missing:?}");
}

#[test]
fn what_cannot_be_read_as_a_backup_fails_with_its_reason_and_leaves_no_instance() {
    let scene = Scene::create(&shape(1, 0));
    let backups = Backups::of(scene.api());
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("writable");
        format!("file://{}", path.display())
    };
    let cases = [
        (write("text.rdb", b"this is no such file"), "text.rdb"),
        (write("short.rdb", b"REDIS0011"), "short.rdb"),
        (write("new.rdb", b"REDIS9999\xff"), "new.rdb"),
        (format!("file://{}/missing.rdb", folder.path().display()), "missing.rdb"),
        // Root reads anything; a folder in the file's place cannot be read by anybody.
        (format!("file://{}", folder.path().display()), "failed to"),
    ];
    for (url, name) in cases {
        let message = failure(&backups.import(&[url], "broken", &shape(2, 0)));
        assert!(message.contains(name), "{message}");
        assert_eq!(scene.api().get("/v1/projects/p/locations/us-central1/instances/broken").status, 404);
    }
}
