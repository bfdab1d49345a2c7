use std::fs::{self, File};
use std::future::Future;
use std::io::Write;
use std::net::{SocketAddr, SocketAddrV4, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command};
use std::task::{Context, Waker};

use uuid::Uuid;
use valkyard_model::{NodeSerial, Pid, ProcessSeen, ProcessState, Seen, StopManner, Uid};

use super::identity::LivingProcess;
use super::*;
use crate::data_dir::DataDir;
use crate::files::{NodeFile, prepare};
use crate::node_home::NodeHome;
use crate::waiting::{LIMIT, wait_for};

struct Scene {
    folder: tempfile::TempDir,
    home: NodeHome,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = home_in(folder.path());
        prepare(&home, &[NodeFile::private(NodeHome::CONFIG_FILE, "")]).expect("prepares");
        Self { folder, home }
    }

    fn start(&self, program: &str, args: &[&str]) -> Pid {
        spawn(&self.home, &spec(program, args)).expect("starts")
    }

    fn shell(&self, script: &str) -> Pid {
        self.start("/bin/sh", &["-c", script])
    }

    fn seen_pid(&self) -> Pid {
        match process_seen(&self.home) {
            Seen::Known(ProcessSeen { pid, .. }) => pid,
            other @ (Seen::Absent | Seen::Unknown) => panic!("the process is {other:?}"),
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // What a test has not ended, or left unrecognisable, is not there.
        let _ = signal(&self.home, StopManner::Kill);
    }
}

fn home_in(folder: &Path) -> NodeHome {
    NodeHome::new(folder, Uid(Uuid::from_u128(1)), NodeSerial(0))
}

fn spec(program: &str, args: &[&str]) -> ProcessSpec {
    ProcessSpec {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        probe: Vec::new(),
    }
}

async fn end_of(pid: Pid) -> ExitStatus {
    tokio::time::timeout(LIMIT, watch_exit(pid)).await.expect("ends within the limit")
}

/// Some process that is none of the scene's; killed when dropped.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        let _alone = fork_alone();
        Self(Command::new("/bin/sleep").arg("1000").spawn().expect("starts"))
    }

    fn pid(&self) -> Pid {
        Pid(self.0.id().cast_signed())
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("is a child").is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("is a child");
    }
}

#[tokio::test]
async fn the_lock_is_held_exactly_as_long_as_the_process_lives() {
    let scene = Scene::new();
    assert_eq!(process_seen(&scene.home), Seen::Absent);
    let pid = scene.start("/bin/sleep", &["1000"]);
    assert_eq!(scene.seen_pid(), pid);
    signal(&scene.home, StopManner::Kill).expect("is signalled");
    assert_eq!(end_of(pid).await, ExitStatus::Signaled { signal: 9 });
    assert_eq!(process_seen(&scene.home), Seen::Absent);
}

#[tokio::test]
async fn a_frozen_process_is_seen_as_stopped_until_it_is_thawed_and_can_be_killed_meanwhile() {
    let scene = Scene::new();
    freeze(&scene.home).and_then(|()| thaw(&scene.home)).expect("have nothing to do");
    let pid = scene.start("/bin/sleep", &["1000"]);
    let seen_in = |state| {
        let seen = process_seen(&scene.home);
        if seen == Seen::Known(ProcessSeen { pid, state }) { Ok(()) } else { Err(seen) }
    };
    seen_in(ProcessState::Running).expect("runs");
    freeze(&scene.home).expect("is signalled");
    wait_for("a stop", || seen_in(ProcessState::Stopped));
    thaw(&scene.home).expect("is signalled");
    wait_for("going on", || seen_in(ProcessState::Running));
    freeze(&scene.home).expect("is signalled");
    signal(&scene.home, StopManner::Kill).expect("is signalled");
    assert_eq!(end_of(pid).await, ExitStatus::Signaled { signal: 9 });
}

#[tokio::test]
async fn a_node_is_never_started_twice() {
    let scene = Scene::new();
    let first = scene.start("/bin/sleep", &["1000"]);
    assert_eq!(scene.start("/bin/sleep", &["2000"]), first);
    signal(&scene.home, StopManner::Terminate).expect("is signalled");
    assert_eq!(end_of(first).await, ExitStatus::Signaled { signal: 15 });
    let second = scene.start("/bin/sleep", &["2000"]);
    assert_eq!(scene.seen_pid(), second);
}

#[tokio::test]
async fn a_process_leads_its_own_session_in_its_folder_with_only_the_given_environment() {
    let scene = Scene::new();
    let data_dir = DataDir::open(&scene.folder.path().join("data")).expect("opens");
    let mut told = spec("/bin/sh", &["-c", "pwd; env; ls -l /proc/$$/fd; read line || echo no input; exit 7"]);
    told.env.push(("GREETING".into(), "hello".into()));
    let pid = spawn(&scene.home, &told).expect("starts");
    let session = LivingProcess::find(pid).expect("looks").map(|process| process.session);
    assert!(session.is_none_or(|session| session == pid), "{session:?}");
    assert_eq!(end_of(pid).await, ExitStatus::Exited { code: 7 });
    let log = log_tail(&scene.home);
    assert!(log.contains(&scene.home.path().display().to_string()) && log.contains("no input"), "{log}");
    assert!(log.contains("GREETING=hello") && !log.contains("CARGO"), "{log}");
    assert!(log.contains("node.pid") && !log.contains("daemon.lock"), "{log}");
    drop(data_dir);
}

#[tokio::test]
async fn the_reason_of_an_early_end_is_in_the_tail_of_the_log() {
    let scene = Scene::new();
    let pid = scene.shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo it is broken >&2; exit 3");
    let status = end_of(pid).await;
    assert_eq!(status.to_string(), "exit code 3");
    let tail = log_tail(&scene.home);
    let lines: Vec<&str> = tail.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[19]), (20, "line 2981", "it is broken"));
    let mode = fs::metadata(scene.home.log_path()).expect("is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "the log has mode {mode:o}");
}

#[tokio::test]
async fn a_child_left_behind_is_found_and_can_be_ended() {
    let scene = Scene::new();
    let main = scene.shell("sleep 1000 & exit 0");
    assert_eq!(end_of(main).await, ExitStatus::Exited { code: 0 });
    let left_behind = scene.seen_pid();
    assert_ne!(left_behind, main);
    let stubborn = spawn(&scene.home, &spec("/bin/sleep", &["1000"])).expect("counts as running");
    assert_eq!(stubborn, main, "nothing new is started beside it");
    signal(&scene.home, StopManner::Kill).expect("is signalled");
    end_of(left_behind).await;
    assert_eq!(process_seen(&scene.home), Seen::Absent);
}

const ADOPTION: &str = "VALKYARD_TEST_ADOPTION";

/// The test runs itself again as the daemon that starts a node and dies.
#[tokio::test]
async fn a_node_outlives_the_daemon_that_started_it_and_is_adopted() {
    if let Some(folder) = std::env::var_os(ADOPTION) {
        spawn(&home_in(Path::new(&folder)), &spec("/bin/sleep", &["1000"])).expect("starts");
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).expect("kills itself");
    }
    let scene = Scene::new();
    let mut daemon = {
        let _alone = fork_alone();
        Command::new(std::env::current_exe().expect("the test binary"))
            .args(["--exact", "process::tests::a_node_outlives_the_daemon_that_started_it_and_is_adopted"])
            .env(ADOPTION, scene.folder.path())
            .spawn()
            .expect("the test binary starts")
    };
    let status = daemon.wait().expect("is a child");
    assert_eq!(status.signal(), Some(9), "the daemon was to be killed: {status}");

    let node = scene.seen_pid();
    assert_eq!(scene.start("/bin/sleep", &["1000"]), node, "no second one is started");
    let watching = tokio::spawn(end_of(node));
    signal(&scene.home, StopManner::Terminate).expect("is signalled");
    assert_eq!(watching.await.expect("watches"), ExitStatus::Unknown, "only its parent learns how it ended");
    assert_eq!(process_seen(&scene.home), Seen::Absent);
}

#[test]
fn a_reused_pid_is_neither_seen_nor_signalled() {
    let scene = Scene::new();
    let mut bystander = Bystander::start();
    let pid = bystander.pid();
    let start = LivingProcess::find(pid).expect("looks").expect("lives").identity.start;
    fs::write(scene.home.pid_path(), format!("{pid} {start}\n")).expect("writes");
    assert_eq!(process_seen(&scene.home), Seen::Absent, "nobody holds the lock");
    signal(&scene.home, StopManner::Kill).expect("has nothing to do");
    assert!(bystander.lives());

    fs::write(scene.home.pid_path(), format!("{pid} {}\n", start - 1)).expect("writes");
    let somebody = File::open(scene.home.pid_path()).expect("opens");
    somebody.lock().expect("locks");
    assert_eq!(process_seen(&scene.home), Seen::Unknown, "the holder is not the process that the file names");
    let refused = signal(&scene.home, StopManner::Kill);
    assert!(matches!(refused, Err(SignalError::Unidentified { .. })), "{refused:?}");
    assert!(bystander.lives());
}

#[test]
fn a_lock_file_that_cannot_be_opened_is_unknown_not_absent() {
    let scene = Scene::new();
    fs::remove_file(scene.home.pid_path()).expect("was prepared");
    std::os::unix::fs::symlink(NodeHome::PID_FILE, scene.home.pid_path()).expect("links");
    assert_eq!(process_seen(&scene.home), Seen::Unknown);
}

#[tokio::test]
async fn a_process_whose_lock_file_was_removed_is_found_and_can_be_ended() {
    let scene = Scene::new();
    let pid = scene.shell("sleep 1000 & echo up; wait");
    wait_for("the process and its child", || if log_tail(&scene.home) == "up" { Ok(()) } else { Err("not up") });
    fs::remove_file(scene.home.pid_path()).expect("is there");
    assert_eq!(scene.seen_pid(), pid);
    assert_eq!(scene.start("/bin/sleep", &["1000"]), pid, "no second one is started");
    assert!(!scene.home.pid_path().exists(), "a new file would hide the process");
    signal(&scene.home, StopManner::Kill).expect("is signalled");
    end_of(pid).await;
    let left_behind = scene.seen_pid();
    signal(&scene.home, StopManner::Kill).expect("is signalled");
    end_of(left_behind).await;
    assert_eq!(process_seen(&scene.home), Seen::Absent, "every process of this user was looked at");
    let second = scene.start("/bin/sleep", &["1000"]);
    assert_eq!(scene.seen_pid(), second);
}

#[test]
fn who_only_visits_a_folder_without_lock_file_is_not_taken_for_the_node() {
    let scene = Scene::new();
    fs::remove_file(scene.home.pid_path()).expect("was prepared");
    let mut visitor = {
        let _alone = fork_alone();
        Bystander(Command::new("/bin/sleep").arg("1000").current_dir(scene.home.path()).spawn().expect("starts"))
    };
    assert_eq!(process_seen(&scene.home), Seen::Absent);
    signal(&scene.home, StopManner::Kill).expect("has nothing to do");
    assert!(visitor.lives());
}

#[test]
fn a_folder_without_lock_file_that_cannot_be_looked_at_is_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("loop", folder.path().join("loop")).expect("links");
    assert_eq!(process_seen(&home_in(&folder.path().join("loop"))), Seen::Unknown);
}

#[test]
fn an_address_in_use_is_refused_with_its_owner_and_nothing_is_started() {
    let scene = Scene::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let SocketAddr::V4(taken) = listener.local_addr().expect("has an address") else { panic!("no IPv4") };
    let blocked = ProcessSpec { probe: vec![taken], ..spec("/bin/sleep", &["1000"]) };
    let error = spawn(&scene.home, &blocked).expect_err("is refused");
    let SpawnError::AddressInUse { address, owner: Some(owner) } = &error else { panic!("{error:?}") };
    assert_eq!((*address, owner.pid.0.cast_unsigned()), (taken, std::process::id()));
    assert!(error.to_string().ends_with(&format!("in use by {owner}")), "{error}");
    assert_eq!(process_seen(&scene.home), Seen::Absent);

    drop(listener);
    wait_for("a start on the freed address", || spawn(&scene.home, &blocked));
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let scene = Scene::new();
    let foreign: SocketAddrV4 = "192.0.2.1:11000".parse().expect("an address");
    let error = spawn(&scene.home, &ProcessSpec { probe: vec![foreign], ..spec("/bin/sleep", &["1"]) }).expect_err("is refused");
    assert!(matches!(error, SpawnError::AddressUnusable { address, .. } if address == foreign), "{error:?}");
}

#[test]
fn what_cannot_be_executed_is_named_and_leaves_no_lock() {
    let scene = Scene::new();
    let no_program = scene.folder.path().join("notes.txt");
    File::create(&no_program).and_then(|mut file| file.write_all(b"not a program")).expect("writes");
    for program in [no_program.to_str().expect("is text"), "/nonexistent/valkey-server"] {
        let error = spawn(&scene.home, &spec(program, &[])).expect_err("is refused");
        assert!(matches!(&error, SpawnError::NotExecutable { path, .. } if path == Path::new(program)), "{error:?}");
        assert_eq!(process_seen(&scene.home), Seen::Absent);
    }
}

#[test]
fn a_missing_folder_is_a_files_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = spawn(&home_in(folder.path()), &spec("/bin/sleep", &["1"])).expect_err("is refused");
    assert!(matches!(error, SpawnError::Files(_)), "{error:?}");
}

#[tokio::test]
async fn a_watch_that_is_dropped_leaves_no_zombie() {
    let scene = Scene::new();
    let pid = scene.start("/bin/sleep", &["1000"]);
    {
        let mut watch = pin!(watch_exit(pid));
        let pending = watch.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        assert!(pending, "it has not ended");
        signal(&scene.home, StopManner::Kill).expect("is signalled");
        wait_for("the end of the process", || LivingProcess::find(pid).expect("looks").map_or(Ok(()), Err));
        assert!(Path::new(&format!("/proc/{pid}")).exists(), "it waits to be collected");
    }
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it was collected");
}

#[tokio::test]
async fn watching_a_process_that_is_gone_ends_at_once() {
    let scene = Scene::new();
    let pid = scene.shell("exit 0");
    assert_eq!(end_of(pid).await, ExitStatus::Exited { code: 0 });
    assert_eq!(end_of(pid).await, ExitStatus::Unknown);
}
