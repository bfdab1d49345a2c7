//! Killed nodes come back or are replaced by their replica; a restarted daemon adopts what runs.

use std::time::Duration;

use acceptance_tests::{
    Daemon, DaemonOptions, ask, discovery_address, engines, kill_9, node_processes, read_back, wait_until, write_keys,
};
use serde_json::json;

/// A takeover takes milliseconds, a restarted node a second or two; the rest is a busy machine.
const HEAL_LIMIT: Duration = Duration::from_secs(30);
const CREATE_LIMIT: Duration = Duration::from_secs(30);

#[test]
fn every_node_killed_in_turn_is_replaced_and_no_key_is_lost() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    for engine in engines() {
        let body = json!({"shardCount": 3, "replicaCount": 1, "engineVersion": engine.api_version});
        let instance = api.create_and_wait("healing", &body, CREATE_LIMIT);
        write_keys(&instance, "key", 200).expect("every key is written");
        let folders: Vec<_> = node_processes(&daemon.data_dir()).into_iter().map(|node| node.folder).collect();
        for folder in folders {
            let node = node_processes(&daemon.data_dir()).into_iter().find(|node| node.folder == folder).expect("it runs");
            kill_9(node.pid);
            wait_until("six nodes and every key", HEAL_LIMIT, || {
                let nodes = node_processes(&daemon.data_dir());
                if nodes.len() != 6 || nodes.iter().any(|other| other.pid == node.pid) {
                    return Err(format!("{nodes:?}"));
                }
                cluster_is_whole(&instance, 3)?;
                match read_back(&instance, "key", 200) {
                    Ok(200) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            });
        }
        api.delete_and_wait("healing", HEAL_LIMIT);
    }
}

#[test]
fn one_shard_fails_over_too() {
    let daemon = Daemon::start(DaemonOptions::default());
    let instance = daemon.api().create_and_wait("single", &json!({"shardCount": 1, "replicaCount": 1}), CREATE_LIMIT);
    write_keys(&instance, "key", 100).expect("every key is written");
    // Reading all of them back takes longer than replication does, so that the kill below loses none.
    assert_eq!(read_back(&instance, "key", 100), Ok(100));
    let primary = node_processes(&daemon.data_dir()).into_iter().next().expect("nodes run");
    kill_9(primary.pid);
    wait_until("every key after the failover", HEAL_LIMIT, || {
        cluster_is_whole(&instance, 1)?;
        if read_back(&instance, "key", 100) == Ok(100) { Ok(()) } else { Err("not yet".to_owned()) }
    });
    write_keys(&instance, "later", 100).expect("it takes writes");
}

#[test]
fn a_restarted_daemon_adopts_running_nodes_and_heals_what_broke_meanwhile() {
    let mut daemon = Daemon::start(DaemonOptions::default());
    let instance = daemon.api().create_and_wait("adopted", &json!({"shardCount": 2, "replicaCount": 1}), CREATE_LIMIT);
    write_keys(&instance, "key", 100).expect("every key is written");
    let before = node_processes(&daemon.data_dir());

    daemon.kill_9();
    assert_eq!(node_processes(&daemon.data_dir()), before, "nodes outlive a killed daemon");
    daemon.restart();
    wait_until("the discovery endpoint", HEAL_LIMIT, || read_back(&instance, "key", 100).map(|_| ()));
    assert_eq!(node_processes(&daemon.data_dir()), before, "a restarted daemon adopts, it does not start again");

    daemon.terminate();
    kill_9(before[0].pid);
    daemon.restart();
    wait_until("four nodes and every key", HEAL_LIMIT, || {
        let nodes = node_processes(&daemon.data_dir());
        cluster_is_whole(&instance, 2)?;
        match read_back(&instance, "key", 100) {
            Ok(100) if nodes.len() == 4 => Ok(()),
            other => Err(format!("{other:?}, {} nodes", nodes.len())),
        }
    });
}

/// Whether every slot is covered and this many replicas are in sync with their primaries: only then may another node be
/// killed without a loss.
pub(crate) fn cluster_is_whole(instance: &serde_json::Value, replicas_wanted: usize) -> Result<(), String> {
    let discovery = discovery_address(instance);
    let info = ask(&discovery, &["CLUSTER", "INFO"])?;
    let nodes = ask(&discovery, &["CLUSTER", "NODES"])?;
    let mut in_sync = 0;
    for line in nodes.lines().filter(|line| line.contains("slave")) {
        let address = line.split([' ', '@']).nth(1).ok_or_else(|| line.to_owned())?;
        let replication = ask(address, &["INFO", "replication"])?;
        in_sync += usize::from(replication.contains("master_link_status:up"));
    }
    if info.contains("cluster_state:ok") && in_sync == replicas_wanted { Ok(()) } else { Err(format!("{info}\n{nodes}")) }
}
