//! A provider as a process of its own: exit codes, signals, stdout and stderr.
//!
//! The process is this test binary once more, told by a variable to serve the stub.

use std::{
    env,
    process::{ExitStatus, Stdio},
};

use provider_framework::transport::{Mode, ServeOptions, StopSignal, init_logging, report, serve};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tfplugin_proto::tfplugin6::{get_metadata, get_provider_schema};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    host::{Address, COOKIE, PATIENCE, client},
    stub::Stub,
};

/// Tells the test binary to be a provider.
const ROLE: &str = "TRANSPORT_TEST_ROLE";
const ROLE_MANAGED: &str = "managed";
const ROLE_DEBUG: &str = "debug";

/// Serves the stub if this process was started to be a provider; as a test it has nothing to check.
#[test]
fn provider_process() {
    let mode = match env::var(ROLE).as_deref() {
        Ok(ROLE_MANAGED) => Mode::Managed,
        Ok(ROLE_DEBUG) => Mode::Debug,
        _ => return,
    };
    init_logging("stub");
    let options = ServeOptions { provider_address: "registry.terraform.io/valkyard/stub".to_owned(), mode };
    let stop = StopSignal::default();
    let provider = Stub { stop: stop.clone() };
    let outcome =
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(serve(options, provider, stop));
    match outcome {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            // The code itself is opaque; it is 1 exactly if it equals a failure.
            assert_eq!(format!("{:?}", report(&error)), format!("{:?}", std::process::ExitCode::FAILURE));
            std::process::exit(1)
        }
    }
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    dir: TempDir,
}

impl Process {
    fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the socket");
        let mut command = Command::new(env::current_exe().expect("this test binary"));
        command
            .args(["process::provider_process", "--exact", "--nocapture"])
            .env_remove("TF_LOG")
            .env_remove("TF_LOG_PROVIDER")
            .env(ROLE, role)
            .env("PLUGIN_UNIX_SOCKET_DIR", dir.path())
            .envs(variables.iter().copied());
        Self::spawn(command, dir)
    }

    fn spawn(mut command: Command, dir: TempDir) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        Self { child, lines: BufReader::new(stdout).lines(), dir }
    }

    /// The rest of the first line on stdout that holds `start`.
    async fn line_from(&mut self, start: &str) -> String {
        timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await.expect("stdout is text") {
                // The test runner writes its own words in front, on the same line.
                if let Some(position) = line.find(start) {
                    return line[position..].to_owned();
                }
            }
            panic!("stdout ended without {start:?}")
        })
        .await
        .expect("the provider announces itself")
    }

    async fn address(&mut self) -> Address {
        Address::parse(&self.line_from("1|6|").await)
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().expect("still running");
        kill_process(pid_of(pid), signal).expect("the process is there");
    }

    async fn exit(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("the process ends").expect("its status is known")
    }

    /// Everything on stderr, after the end.
    async fn stderr(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr is piped");
        timeout(PATIENCE, stderr.read_to_string(&mut text)).await.expect("stderr is closed").expect("stderr is text");
        text
    }

    fn files_left(&self) -> usize {
        std::fs::read_dir(self.dir.path()).expect("the folder is there").count()
    }
}

fn pid_of(number: u32) -> Pid {
    let number = i32::try_from(number).expect("process ids are small");
    Pid::from_raw(number).expect("process ids are not zero")
}

async fn assert_serves(address: &Address) {
    client(address.channel(None).await).get_provider_schema(get_provider_schema::Request {}).await.expect("the provider answers");
}

#[tokio::test]
async fn started_by_hand_it_explains_itself_and_exits_with_1() {
    let mut process = Process::start(ROLE_MANAGED, &[]);
    let status = process.exit().await;
    assert_eq!(status.code(), Some(1));
    let stderr = process.stderr().await;
    assert!(stderr.contains("Terraform provider \"valkyard/stub\""), "{stderr}");
    assert_eq!(process.files_left(), 0);
}

#[tokio::test]
async fn managed_provider_ignores_sigint_and_ends_on_sigterm() {
    let mut process = Process::start(ROLE_MANAGED, &[("TF_PLUGIN_MAGIC_COOKIE", COOKIE)]);
    let address = process.address().await;
    assert_serves(&address).await;
    process.signal(Signal::INT);
    assert_serves(&address).await;
    process.signal(Signal::TERM);
    assert_eq!(process.exit().await.code(), Some(0));
    assert_eq!(process.files_left(), 0);
}

#[tokio::test]
async fn debug_provider_prints_where_to_attach_and_ends_on_sigint() {
    let mut process = Process::start(ROLE_DEBUG, &[("PLUGIN_CLIENT_CERT", "not looked at")]);
    let line = process.line_from("export TF_REATTACH_PROVIDERS=").await;
    let (_, quoted) = line.split_once('=').unwrap();
    let value: Value = serde_json::from_str(quoted.trim_matches('\'')).unwrap();
    let entry = &value["registry.terraform.io/valkyard/stub"];
    assert_eq!(entry["Pid"], process.child.id().unwrap());
    let address = Address { socket: entry["Addr"]["String"].as_str().unwrap().into(), certificate: None };
    assert_serves(&address).await;
    process.signal(Signal::INT);
    assert_eq!(process.exit().await.code(), Some(0));
    assert_eq!(process.files_left(), 0);
}

#[tokio::test]
async fn stderr_carries_json_lines_a_host_can_parse() {
    let mut process = Process::start(
        ROLE_MANAGED,
        &[("TF_PLUGIN_MAGIC_COOKIE", COOKIE), ("PLUGIN_PROTOCOL_VERSIONS", "4,5"), ("TF_LOG", "TRACE")],
    );
    let address = process.address().await;
    assert_serves(&address).await;
    process.signal(Signal::TERM);
    process.exit().await;
    let stderr = process.stderr().await;
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    for line in &lines {
        for key in ["@level", "@message", "@timestamp"] {
            assert!(line[key].is_string(), "{key} in {line}");
        }
    }
    let find = |message: &str| lines.iter().find(|line| line["@message"] == message);
    assert_eq!(find("answering").unwrap()["tf_rpc"], "GetProviderSchema");
    let mismatch = find("the host speaks no protocol of this provider").unwrap();
    assert_eq!(mismatch["@level"], "error");
    assert_eq!(mismatch["offered"], "4,5");
}

#[tokio::test]
async fn panic_in_a_call_is_printed_for_the_host_and_the_provider_serves_on() {
    let mut process = Process::start(ROLE_MANAGED, &[("TF_PLUGIN_MAGIC_COOKIE", COOKIE)]);
    let address = process.address().await;
    client(address.channel(None).await).get_metadata(get_metadata::Request {}).await.expect_err("the stub panics");
    assert_serves(&address).await;
    process.signal(Signal::TERM);
    assert_eq!(process.exit().await.code(), Some(0));
    let stderr = process.stderr().await;
    assert!(stderr.lines().any(|line| line == "panic: asked to panic"), "{stderr}");
}

/// Kills a process that is not our child when the test ends.
struct Grandchild(Pid);

impl Drop for Grandchild {
    fn drop(&mut self) {
        // It is gone already when the test passes.
        let _ = kill_process(self.0, Signal::KILL);
    }
}

#[tokio::test]
async fn provider_does_not_outlive_a_host_that_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$0\" \"$@\" & echo pid $!; wait"])
        .arg(env::current_exe().unwrap())
        .args(["process::provider_process", "--exact", "--nocapture"])
        .env(ROLE, ROLE_MANAGED)
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_UNIX_SOCKET_DIR", dir.path());
    let mut host = Process::spawn(command, dir);
    let line = host.line_from("pid ").await;
    let _provider = Grandchild(pid_of(line["pid ".len()..].trim().parse().unwrap()));
    let address = host.address().await;
    assert_serves(&address).await;
    host.signal(Signal::KILL);
    host.exit().await;
    let rest_of_stdout = async { while let Ok(Some(_)) = host.lines.next_line().await {} };
    timeout(PATIENCE, rest_of_stdout).await.expect("the provider ends and closes stdout");
    assert_eq!(host.files_left(), 0);
}
