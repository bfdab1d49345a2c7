//! Ends of the daemon: SIGTERM under an unfinished request, `down` by configuration file, `--ephemeral`.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use acceptance_tests::{Api, Daemon, DaemonOptions, binary, node_processes, wait_until};
use serde_json::json;
use tempfile::TempDir;

const CREATE_LIMIT: Duration = Duration::from_secs(30);
/// Draining takes 2 s at most; the rest is a busy machine.
const END_LIMIT: Duration = Duration::from_secs(20);

#[test]
fn sigterm_ends_a_daemon_whose_client_never_finishes_its_request() {
    let mut daemon = Daemon::start(DaemonOptions::default());
    daemon.api().create_and_wait("lives-on", &json!({"shardCount": 1}), CREATE_LIMIT);
    let address = daemon.endpoint().replace("http://", "");
    let mut client = TcpStream::connect(&address).expect("connects");
    let half = format!(
        "POST /v1/projects/p/locations/us-central1/instances HTTP/1.1\r\nHost: {address}\r\nContent-Length: 10\r\n\r\n{{"
    );
    client.write_all(half.as_bytes()).expect("sends");
    daemon.terminate();
    assert_eq!(node_processes(&daemon.data_dir()).len(), 1, "nodes outlive the daemon");
    drop(client);
}

#[test]
fn down_finds_the_folder_in_the_configuration_file() {
    let daemon = Daemon::start(DaemonOptions::default());
    daemon.api().create_and_wait("configured", &json!({"shardCount": 1}), CREATE_LIMIT);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("valkyard.toml");
    std::fs::write(&file, format!("data_dir = {:?}\n", daemon.data_dir())).expect("writable");
    let down = Command::new(binary("valkyard")).arg("down").arg("--config").arg(&file).output().expect("down runs");
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert_eq!(node_processes(&daemon.data_dir()), []);
    assert!(daemon.api().try_call("GET", "/livez", "").is_none(), "the daemon answers still");
}

#[test]
fn an_ephemeral_daemon_takes_everything_with_it() {
    let scratch = TempDir::with_prefix("valkyard-scratch-").expect("a folder");
    let mut child = Command::new(binary("valkyard"))
        .args(["serve", "--ephemeral", "--listen", "127.0.0.1:0", "--log-format", "json", "--engine-paths"])
        .arg(acceptance_tests::tools_dir().join("engines"))
        .env("TMPDIR", scratch.path())
        .stderr(std::fs::File::create(scratch.path().join("log")).expect("writable"))
        .stdin(Stdio::null())
        .spawn()
        .expect("valkyard starts");
    let log = || std::fs::read_to_string(scratch.path().join("log")).unwrap_or_default();
    let ready = wait_until("the daemon to get ready", END_LIMIT, || {
        let text = log();
        let ready = text.lines().find(|line| line.contains("\"ready\"")).map(str::to_owned);
        ready.ok_or(text)
    });
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("log lines are JSON");
    let data_dir = std::path::PathBuf::from(ready["data_dir"].as_str().expect("it says where"));
    let api = Api::new(&format!("http://{}", ready["address"].as_str().expect("it says where")));
    api.create_and_wait("passing", &json!({"shardCount": 2}), CREATE_LIMIT);
    assert_eq!(node_processes(&data_dir).len(), 2);

    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("fits")).expect("positive");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("can be signalled");
    wait_until("the daemon to end", END_LIMIT, || child.try_wait().map_err(|e| e.to_string())?.ok_or_else(log));
    assert_eq!(node_processes(&data_dir), []);
    assert!(!data_dir.exists(), "{} is left", data_dir.display());
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = TempDir::with_prefix("valkyard-mute-").expect("a folder");
    let data_dir = folder.path().join("data");
    let mut child = Command::new(binary("valkyard"))
        .args(["serve", "--listen", "127.0.0.1:0", "--engine-paths"])
        .arg(acceptance_tests::tools_dir().join("engines"))
        .arg("--data-dir")
        .arg(&data_dir)
        .stderr(std::fs::File::options().write(true).open("/dev/full").expect("Linux has /dev/full"))
        .stdin(Stdio::null())
        .spawn()
        .expect("valkyard starts");
    let endpoint = wait_until("the daemon to get ready", END_LIMIT, || {
        std::fs::read_to_string(data_dir.join("endpoint")).map_err(|error| error.to_string())
    });
    Api::new(endpoint.trim()).create_and_wait("mute", &json!({"shardCount": 1}), CREATE_LIMIT);
    let down = Command::new(binary("valkyard")).arg("down").arg("--data-dir").arg(&data_dir).output().expect("down runs");
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    let status =
        wait_until("the daemon to end", END_LIMIT, || child.try_wait().map_err(|e| e.to_string())?.ok_or_else(String::new));
    assert!(status.success(), "{status}");
    assert_eq!(node_processes(&data_dir), []);
}
