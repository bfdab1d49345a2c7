//! Data that outlives every process, on real engines: killed nodes, torn and damaged files, switches under writes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use acceptance_tests::judge::{Load, LoadOptions};
use acceptance_tests::{
    Daemon, DaemonOptions, Scene, Workspace, binary, engines, kill_9, node_processes, read_back, send, terraforms, wait_until,
    write_keys,
};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Nodes start, load some keys and form their cluster within seconds; the rest is a busy machine.
const HEAL_LIMIT: Duration = Duration::from_secs(60);
/// A change of the mode writes every node's data anew.
const CHANGE_LIMIT: Duration = Duration::from_secs(120);
const KEYS: u32 = 300;
/// Writes that show that clients have come far under the present mode.
const SOME_WRITES: usize = 300;

fn aof(fsync: &str) -> Value {
    json!({"mode": "AOF", "aofConfig": {"appendFsync": fsync}})
}

fn kill_all(scene: &Scene) {
    for node in node_processes(&scene.data_dir()) {
        kill_9(node.pid);
    }
}

fn wait_for_keys(scene: &Scene, prefix: &str) {
    wait_until("every key", HEAL_LIMIT, || match read_back(&scene.instance(), prefix, KEYS) {
        Ok(KEYS) => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

/// Does something while the daemon stands still.
fn while_nobody_looks(scene: &Scene, work: impl FnOnce()) {
    send(scene.daemon.pid(), Signal::STOP);
    work();
    send(scene.daemon.pid(), Signal::CONT);
}

fn topology(scene: &Scene) -> String {
    scene.api().get("/v1/admin/projects/p/locations/us-central1/instances/cache/topology").body.to_string()
}

/// The newest file with this ending below a folder of the instance's nodes.
fn file_of(folder: &Path, ending: &str) -> PathBuf {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
    };
    let files = inside(folder).into_iter().chain(inside(&folder.join("appendonlydir")));
    let mut found: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no file {ending} in {}", folder.display()))
}

#[test]
fn every_acknowledged_write_is_back_after_all_nodes_were_killed() {
    for engine in engines() {
        for (fsync, replicas) in [("EVERY_SEC", 0), ("ALWAYS", 1)] {
            let body = json!({"shardCount": 2, "replicaCount": replicas, "engineVersion": engine.api_version,
                "persistenceConfig": aof(fsync)});
            let scene = Scene::create(&body);
            assert_eq!(scene.instance()["persistenceConfig"], aof(fsync));
            write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
            // Reading them back takes longer than replication does.
            assert_eq!(read_back(&scene.instance(), "key", KEYS), Ok(KEYS));
            kill_all(&scene);
            wait_for_keys(&scene, "key");
            scene.wait_until_sound();
            assert!(!topology(&scene).contains("\"losses\":[{"), "{}", topology(&scene));
            write_keys(&scene.instance(), "later", KEYS).expect("it takes writes");
        }
    }
}

#[test]
fn everything_is_back_after_down_and_serve() {
    let mut scene = Scene::create(&json!({"shardCount": 2, "replicaCount": 1, "persistenceConfig": aof("EVERY_SEC")}));
    write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
    let down = Command::new(binary("valkyard")).arg("down").arg("--data-dir").arg(scene.data_dir()).output().expect("down runs");
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert_eq!(node_processes(&scene.data_dir()), []);
    scene.daemon.kill_9();
    scene.daemon.restart();
    wait_for_keys(&scene, "key");
    scene.wait_until_sound();
}

#[test]
fn the_last_snapshot_is_back_after_all_nodes_were_killed_and_the_loss_is_told() {
    let scene = Scene::create(&json!({"shardCount": 2}));
    write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
    let schedule = json!({"mode": "RDB", "rdbConfig": {"rdbSnapshotPeriod": "ONE_HOUR"}});
    scene.change(&json!({"persistenceConfig": schedule}), CHANGE_LIMIT);
    let folders: Vec<PathBuf> = node_processes(&scene.data_dir()).into_iter().map(|node| node.folder).collect();
    wait_until("snapshots of both shards", HEAL_LIMIT, || {
        let is_there = folders.iter().all(|folder| folder.join("dump.rdb").exists());
        if is_there { Ok(()) } else { Err(topology(&scene)) }
    });
    write_keys(&scene.instance(), "later", KEYS).expect("every key is written");
    kill_all(&scene);
    wait_for_keys(&scene, "key");
    scene.wait_until_sound();
    assert_eq!(read_back(&scene.instance(), "later", KEYS), Ok(0), "what is newer than the snapshot");
    assert!(topology(&scene).contains("restoredTo"), "{}", topology(&scene));
}

#[test]
fn a_torn_log_is_loaded_without_its_end_and_told() {
    let scene = Scene::create(&json!({"shardCount": 1, "persistenceConfig": aof("ALWAYS")}));
    write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
    write_keys(&scene.instance(), "last", 1).expect("the last key is written");
    let node = node_processes(&scene.data_dir()).remove(0);
    while_nobody_looks(&scene, || {
        kill_9(node.pid);
        let path = file_of(&node.folder, ".incr.aof");
        let log = File::options().write(true).open(&path).expect("opens");
        let length = log.metadata().expect("has a length").len();
        log.set_len(length - 3).expect("is cut");
    });
    wait_for_keys(&scene, "key");
    assert_eq!(read_back(&scene.instance(), "last", 1), Ok(0), "the torn write");
    wait_until("the word of it", HEAL_LIMIT, || {
        let told = topology(&scene);
        if told.contains("LOG_TORN") && told.contains("Truncating the AOF") { Ok(()) } else { Err(told) }
    });
}

#[test]
fn data_that_cannot_be_read_is_told_and_never_replaced() {
    let scene = Scene::create(&json!({"shardCount": 1, "persistenceConfig": aof("ALWAYS")}));
    write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
    let node = node_processes(&scene.data_dir()).remove(0);
    let path = file_of(&node.folder, ".incr.aof");
    let mut good = Vec::new();
    while_nobody_looks(&scene, || {
        kill_9(node.pid);
        good = fs::read(&path).expect("is read");
        let mut bad = good.clone();
        bad[20..30].copy_from_slice(b"##########");
        fs::write(&path, &bad).expect("is written");
    });
    wait_until("the word of it", HEAL_LIMIT, || {
        let told = topology(&scene);
        if told.contains("DATA_UNREADABLE") && told.contains("Bad file format") { Ok(()) } else { Err(told) }
    });
    assert!(read_back(&scene.instance(), "key", 1).is_err(), "nobody serves");
    fs::write(&path, &good).expect("is mended");
    wait_for_keys(&scene, "key");
    scene.wait_until_sound();
}

#[test]
fn a_damaged_node_is_made_anew_from_the_replica_that_took_over() {
    let scene = Scene::create(&json!({"shardCount": 1, "replicaCount": 1, "persistenceConfig": aof("EVERY_SEC")}));
    write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
    let primary = scene.primaries().remove(0);
    let node = node_processes(&scene.data_dir()).into_iter().find(|node| node.pid == primary.pid).expect("it runs");
    fs::write(file_of(&node.folder, ".base.rdb"), b"nonsense").expect("is written");
    kill_9(node.pid);
    wait_for_keys(&scene, "key");
    scene.wait_until_sound();
    assert!(!topology(&scene).contains("\"losses\":[{"), "{}", topology(&scene));
    kill_all(&scene);
    wait_for_keys(&scene, "key");
    scene.wait_until_sound();
}

#[test]
fn the_mode_is_switched_under_writes_and_nothing_is_lost() {
    let scene = Scene::create(&json!({"shardCount": 2, "replicaCount": 1}));
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    let rdb = json!({"mode": "RDB", "rdbConfig": {"rdbSnapshotPeriod": "ONE_HOUR"}});
    for mode in [aof("EVERY_SEC"), rdb, aof("ALWAYS"), json!({"mode": "DISABLED"}), aof("EVERY_SEC")] {
        load.wait_for_more(SOME_WRITES);
        scene.change(&json!({ "persistenceConfig": mode }), CHANGE_LIMIT);
    }
    load.wait_for_more(SOME_WRITES);
    let record = load.stop();
    record.verify(&scene.instance()).flawless().expect("nothing acknowledged is lost");
    kill_all(&scene);
    scene.wait_until_sound();
    wait_until("every acknowledged write", HEAL_LIMIT, || record.verify(&scene.instance()).flawless());
}

fn config(persistence: &str) -> String {
    format!(
        "terraform {{\n  required_providers {{\n    valkyard = {{ source = \"valkyard/valkyard\" }}\n  }}\n}}\n\
         provider \"valkyard\" {{\n  project = \"p\"\n}}\n\
         resource \"valkyard_instance\" \"cache\" {{\n  instance_id = \"cache\"\n  deletion_protection_enabled = false\n  \
         shard_count = 1\n  persistence_config = {persistence}\n}}\n"
    )
}

#[test]
fn terraform_makes_and_switches_it_in_place_without_drift() {
    let terraform = terraforms().remove(0);
    let scene = Scene { daemon: Daemon::start(DaemonOptions::default()) };
    let workspace = Workspace::of_text(&terraform, &config("{ mode = \"AOF\" }"), &scene.daemon.endpoint());
    let _created = workspace.apply().succeeded();
    assert_eq!(workspace.plan().code, 0, "the plan after creation is not empty");
    assert_eq!(scene.instance()["persistenceConfig"], aof("EVERY_SEC"));
    write_keys(&scene.instance(), "key", KEYS).expect("every key is written");
    for mode in [
        "{ mode = \"RDB\", rdb_config = { rdb_snapshot_period = \"ONE_HOUR\" } }",
        "{ mode = \"AOF\", aof_config = { append_fsync = \"ALWAYS\" } }",
    ] {
        workspace.write(&config(mode));
        let applied = workspace.apply().succeeded();
        assert!(applied.out.contains("0 added, 1 changed, 0 destroyed"), "{mode}\n{}", applied.out);
        let planned = workspace.plan();
        assert_eq!(planned.code, 0, "{mode}\n{}", planned.out);
    }
    kill_all(&scene);
    wait_for_keys(&scene, "key");
    let _destroyed = workspace.destroy().succeeded();
}
