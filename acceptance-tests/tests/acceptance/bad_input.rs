//! Bad input and broken machines: a precise error, and nothing left behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Duration;

use acceptance_tests::{Daemon, DaemonOptions, SmallDisk, binary, node_processes, tools_dir};
use serde_json::json;
use tempfile::TempDir;

const CREATE_LIMIT: Duration = Duration::from_secs(30);
/// The daemon keeps one aside.
const DISK_MIB: u32 = 4;
const INSTANCES: &str = "/v1/projects/p/locations/us-central1/instances";

fn serve(arguments: &[&str]) -> Output {
    Command::new(binary("valkyard")).arg("serve").args(arguments).output().expect("valkyard runs")
}

fn refused(arguments: &[&str], wanted: &[&str]) {
    let output = serve(arguments);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{arguments:?} was accepted");
    for word in wanted {
        assert!(err.contains(word), "{arguments:?}: no {word:?} in\n{err}");
    }
}

#[test]
fn requests_that_break_a_rule_name_the_field_and_leave_nothing() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    for (id, body, wanted) in [
        ("ok-id", "{", "line 1"),
        ("ok-id", r#"{"shardCount": "three"}"#, "shardCount"),
        ("ok-id", r#"{"shardCuont": 3}"#, "shardCuont"),
        ("ok-id", r#"{"shardCount": 0}"#, "shard_count"),
        ("ok-id", r#"{"shardCount": 251}"#, "shard_count"),
        ("ok-id", r#"{"shardCount": 3, "replicaCount": 6}"#, "replica_count"),
        ("ok-id", r#"{"shardCount": 3, "nodeType": "HUGE"}"#, "nodeType"),
        ("ok-id", r#"{"shardCount": 3, "engineVersion": "VALKEY_7_9"}"#, "VALKEY_9_1"),
        ("ok-id", r#"{"shardCount": 3, "engineConfigs": {"save": "1"}}"#, "maxmemory-policy"),
        ("ok-id", r#"{"shardCount": 3, "zoneDistributionConfig": {"mode": "SINGLE_ZONE"}}"#, "zone"),
        ("Bad_Id", r#"{"shardCount": 3}"#, "Bad_Id"),
        ("", r#"{"shardCount": 3}"#, "instance"),
    ] {
        let answer = api.call("POST", &format!("{INSTANCES}?instanceId={id}"), body);
        assert_eq!(
            (answer.status, &answer.body["error"]["status"]),
            (400, &json!("INVALID_ARGUMENT")),
            "{body}: {}",
            answer.body
        );
        assert!(answer.body.to_string().contains(wanted), "{body}: no {wanted:?} in {}", answer.body);
    }
    assert_eq!(api.get(INSTANCES).body.get("instances"), None);
    let encrypted = json!({"shardCount": 1, "transitEncryptionMode": "SERVER_AUTHENTICATION"}).to_string();
    let answer = api.call("POST", &format!("{INSTANCES}?instanceId=ok-id"), &encrypted);
    assert_eq!(answer.body["error"]["status"], "UNIMPLEMENTED", "{}", answer.body);
    assert_eq!(node_processes(&daemon.data_dir()), []);
}

#[test]
fn a_duplicate_id_is_refused_and_the_first_instance_lives_on() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    api.create_and_wait("twice", &json!({"shardCount": 1}), CREATE_LIMIT);
    let answer = api.call("POST", &format!("{INSTANCES}?instanceId=twice"), &json!({"shardCount": 2}).to_string());
    assert_eq!((answer.status, &answer.body["error"]["status"]), (409, &json!("ALREADY_EXISTS")), "{}", answer.body);
    assert_eq!(api.get(&format!("{INSTANCES}/twice")).body["shardCount"], 1);
}

#[test]
fn a_second_daemon_on_a_data_folder_names_the_first() {
    let daemon = Daemon::start(DaemonOptions::default());
    let folder = daemon.data_dir();
    refused(&["--listen", "127.0.0.1:0", "--data-dir", &folder.display().to_string()], &[&daemon.pid().to_string()]);
}

#[test]
fn a_taken_port_names_its_owner() {
    let daemon = Daemon::start(DaemonOptions::default());
    let folder = TempDir::new().expect("a folder");
    let address = daemon.endpoint().replace("http://", "");
    let data = folder.path().join("data").display().to_string();
    refused(&["--listen", &address, "--data-dir", &data], &[&daemon.pid().to_string(), "valkyard"]);
}

#[test]
fn settings_that_cannot_work_say_why() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    refused(&["--listen", "0.0.0.0:4590", "--data-dir", &data], &["TLS"]);
    refused(&["--memory-scale", "2", "--data-dir", &data], &["memory_scale"]);
    let file = folder.path().join("valkyard.toml");
    fs::write(&file, "listne = '127.0.0.1:1'\n").expect("writable");
    refused(&["--config", &file.display().to_string()], &["listne", "listen"]);
    fs::write(folder.path().join("file"), "").expect("writable");
    let inside_a_file = folder.path().join("file/data").display().to_string();
    refused(&["--listen", "127.0.0.1:0", "--data-dir", &inside_a_file], &[&inside_a_file]);
    let file = folder.path().join("file").display().to_string();
    let store = format!("file://{file}");
    refused(&["--listen", "127.0.0.1:0", "--data-dir", &data, "--backup-store", &store], &["--backup-store", &file]);
}

#[test]
fn a_read_only_data_folder_is_refused_with_its_name() {
    let Some(disk) = SmallDisk::inside("bad_input::a_read_only_data_folder_is_refused_with_its_name", DISK_MIB) else { return };
    disk.remount_read_only();
    let data = disk.path().display().to_string();
    refused(&["--listen", "127.0.0.1:0", "--data-dir", &data], &[&data]);
}

#[test]
fn programs_that_are_no_valkey_are_rejected_by_name() {
    let folder = TempDir::new().expect("a folder");
    let fake = folder.path().join("valkey-server");
    fs::write(&fake, "#!/bin/sh\necho hello\n").expect("writable");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("permissions can be set");
    let output = Command::new(binary("valkyard"))
        .args(["version", "--engine-paths", &fake.display().to_string()])
        .env("PATH", "/nowhere")
        .output()
        .expect("valkyard runs");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("rejected") && out.contains(&fake.display().to_string()), "{out}");
}

/// The end of a creation that cannot succeed: an error that holds `wanted`, and no trace.
fn creation_fails(daemon: &Daemon, wanted: &[&str]) {
    let api = daemon.api();
    let operation = api.wait(&api.create("doomed", &json!({"shardCount": 3, "replicaCount": 1})), CREATE_LIMIT);
    let message = operation["error"]["message"].as_str().unwrap_or_else(|| panic!("it did not fail: {operation}"));
    for word in wanted {
        assert!(message.contains(word), "no {word:?} in {message}");
    }
    assert_eq!(api.get(&format!("{INSTANCES}/doomed")).status, 404);
    assert_eq!(node_processes(&daemon.data_dir()), []);
    let left: Vec<_> = fs::read_dir(daemon.data_dir().join("instances")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The address that the next instance of an empty daemon gets: always the lowest free one.
fn first_address(daemon: &Daemon) -> String {
    let instance = daemon.api().create_and_wait("first", &json!({"shardCount": 1}), CREATE_LIMIT);
    daemon.api().delete_and_wait("first", CREATE_LIMIT);
    instance["discoveryEndpoints"][0]["address"].as_str().expect("an address").to_owned()
}

#[test]
fn an_address_whose_node_or_discovery_port_is_in_use_is_skipped() {
    let daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    let first = first_address(&daemon);
    for port in [11_000, 6_379] {
        let squatter = TcpListener::bind((first.as_str(), port)).expect("the first instance's ports are free");
        let instance = api.create_and_wait("elsewhere", &json!({"shardCount": 1}), CREATE_LIMIT);
        let address = instance["discoveryEndpoints"][0]["address"].as_str().expect("an address");
        assert_ne!(address, first, "port {port} of it is another program's");
        drop(squatter);
        api.delete_and_wait("elsewhere", CREATE_LIMIT);
    }
    assert_eq!(first_address(&daemon), first, "it is free again");
}

#[test]
fn a_bus_port_in_use_fails_the_creation_and_names_the_owner() {
    let daemon = Daemon::start(DaemonOptions::default());
    let address = format!("{}:21000", first_address(&daemon));
    let squatter = TcpListener::bind(&address).expect("the first instance's first bus port is free");
    creation_fails(&daemon, &[&address, &std::process::id().to_string()]);
    drop(squatter);
    daemon.api().create_and_wait("doomed", &json!({"shardCount": 1}), CREATE_LIMIT);
}

#[test]
fn a_full_disk_fails_the_creation_and_leaves_nothing() {
    let Some(disk) = SmallDisk::inside("bad_input::a_full_disk_fails_the_creation_and_leaves_nothing", DISK_MIB) else { return };
    let daemon = Daemon::start(DaemonOptions { data_dir: Some(disk.path().join("data")), ..DaemonOptions::default() });
    // What is left suffices to accept the request, not to write six node folders.
    disk.leave(96 * 1024);
    creation_fails(&daemon, &["space"]);
    disk.make_room();
    daemon.api().create_and_wait("doomed", &json!({"shardCount": 1}), CREATE_LIMIT);
}

#[test]
fn an_engine_that_vanished_fails_the_creation() {
    let folder = TempDir::new().expect("a folder");
    let copy = folder.path().join("bin");
    fs::create_dir(&copy).expect("writable");
    let program = copy.join("valkey-server");
    fs::copy(tools_dir().join("engines/valkey-9.1.2/bin/valkey-server"), &program).expect("copied");
    let options = DaemonOptions { engines: Some(program.clone()), ..DaemonOptions::default() };
    let daemon = Daemon::start(options);
    fs::remove_file(&program).expect("removable");
    creation_fails(&daemon, &["valkey-server"]);
}
