//! The daemon and nodes are killed at many moments of backups and restores: nothing half ever counts.

use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{Backups, Random, Scene, kill_9, let_pass, node_processes, wait_until};
use serde_json::{Value, json};

use super::{COPIES, shape};

/// Moments at which something is killed, in a backup and in a restore each.
const MOMENTS: u64 = 10;
/// A backup or a restore of these tests takes about this long.
const SPAN_MILLIS: u64 = 1_500;
const SETTLE_LIMIT: Duration = Duration::from_secs(90);
const SEED: u64 = 4;

/// Waits for the end of an operation whose daemon may be away.
fn end_of(scene: &Scene, answer: &acceptance_tests::Answer) -> Value {
    let operation = answer.body["name"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    scene.api().wait(&operation, SETTLE_LIMIT)
}

#[test]
fn a_daemon_that_is_killed_at_any_moment_of_a_backup_makes_it_from_the_start() {
    let mut random = Random::seeded(SEED);
    let mut scene = Scene::create(&shape(2, 1));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _in_sync = scene.primaries();
    let whole = backups.take("cache", "whole");
    for moment in 0..MOMENTS {
        let name = format!("cut-{moment}");
        let answer = backups.ask("cache", &name);
        let_pass(Duration::from_millis(random.below(SPAN_MILLIS / 5)));
        scene.daemon.kill_9();
        assert_no_half(&scene, &name);
        scene.daemon.restart();
        let operation = end_of(&scene, &answer);
        assert!(operation.get("error").is_none(), "{name}: {operation}");
        let details = backups.details("cache", &name);
        assert_eq!((&details["digest"], &details["keys"]), (&whole["digest"], &whole["keys"]), "{name}");
    }
    data.is_intact(&scene.instance()).expect("the instance was left alone");
}

/// While no daemon runs: what the store calls complete has all its files.
fn assert_no_half(scene: &Scene, backup: &str) {
    let folder = scene.data_dir().join("backups/p.us-central1.cache").join(backup);
    let Ok(text) = std::fs::read_to_string(folder.join("manifest.json")) else { return };
    let manifest: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("half a manifest: {error}"));
    let shards = manifest["shards"].as_array().expect("a manifest lists its shards");
    assert_eq!(shards.len(), 2, "{manifest}");
    for shard in shards {
        let path = folder.join(shard["file"].as_str().expect("a name"));
        let length = std::fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len();
        assert_eq!(json!(length), shard["bytes"], "{}", path.display());
    }
}

#[test]
fn nodes_that_are_killed_at_any_moment_of_a_backup_make_it_begin_again() {
    let mut random = Random::seeded(SEED);
    let scene = Scene::create(&shape(2, 1));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    for moment in 0..MOMENTS {
        let _in_sync = scene.primaries();
        let name = format!("cut-{moment}");
        let answer = backups.ask("cache", &name);
        let_pass(Duration::from_millis(random.below(SPAN_MILLIS / 10)));
        let nodes = node_processes(&scene.data_dir());
        let chosen = usize::try_from(random.below(nodes.len() as u64)).expect("small");
        kill_9(nodes[chosen].pid);
        let operation = end_of(&scene, &answer);
        assert!(operation.get("error").is_none(), "{name}: {operation}");
    }
    let copy = super::response(&backups.restore("cache", &format!("cut-{}", MOMENTS - 1), "copy", &shape(1, 0)));
    data.is_intact(&copy).expect("everything is in the last one");
}

#[test]
fn kills_at_any_moment_of_a_restore_leave_a_whole_instance() {
    let mut random = Random::seeded(SEED);
    let mut scene = Scene::create(&shape(2, 0));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _taken = backups.take("cache", "whole");
    for moment in 0..MOMENTS {
        let mut body = json!({"shardCount": 3, "replicaCount": 1, "nodeType": "SHARED_CORE_NANO"});
        body["managedBackupSource"] = json!({"backup": Backups::name("cache", "whole")});
        let path = "/v1/projects/p/locations/us-central1/instances?instanceId=copy";
        let answer = scene.api().call("POST", path, &body.to_string());
        let_pass(Duration::from_millis(random.below(SPAN_MILLIS)));
        if moment % 2 == 0 {
            scene.daemon.kill_9();
            scene.daemon.restart();
        } else {
            let cache = uid_of(&scene, "cache");
            let nodes = node_processes(&scene.data_dir());
            let others: Vec<_> = nodes.iter().filter(|node| !node.folder.to_string_lossy().contains(&cache)).collect();
            if !others.is_empty() {
                kill_9(others[usize::try_from(random.below(others.len() as u64)).expect("small")].pid);
            }
        }
        let operation = end_of(&scene, &answer);
        assert!(operation.get("error").is_none(), "moment {moment}: {operation}");
        let copy = scene.api().get("/v1/projects/p/locations/us-central1/instances/copy").body;
        wait_until("the copy holds everything", SETTLE_LIMIT, || {
            let is_there = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| data.is_intact(&copy)));
            is_there.unwrap_or_else(|_| Err("it does not answer yet".to_owned()))
        });
        scene.api().delete_and_wait("copy", SETTLE_LIMIT);
    }
}

fn uid_of(scene: &Scene, instance: &str) -> String {
    let found = scene.api().get(&format!("/v1/projects/p/locations/us-central1/instances/{instance}"));
    found.body["uid"].as_str().unwrap_or_else(|| panic!("{}", found.body)).to_owned()
}
