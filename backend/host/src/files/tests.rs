use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use uuid::Uuid;
use valkyard_model::NodeSerial;

use super::*;
use crate::data_dir::DataDirError;
use crate::process::fork_alone;

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn home(&self, serial: u32) -> NodeHome {
        home_in(self.folder.path(), serial)
    }
}

fn home_in(folder: &Path, serial: u32) -> NodeHome {
    NodeHome::new(folder, Uid(Uuid::from_u128(1)), NodeSerial(serial))
}

fn files(text: &str) -> Vec<NodeFile> {
    vec![NodeFile::private(NodeHome::CONFIG_FILE, text), NodeFile::private(NodeHome::ACL_FILE, "user default on")]
}

fn config(home: &NodeHome) -> String {
    fs::read_to_string(home.config_path()).expect("reads")
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().expect("is text")).collect();
    names.sort();
    names
}

#[test]
fn a_prepared_folder_is_complete_and_private() {
    let scene = Scene::new();
    let home = scene.home(0);
    assert_eq!(files_seen(&home), Seen::Absent);
    prepare(&home, &files("port 1")).expect("prepares");
    assert_eq!(files_seen(&home), Seen::Known(FilesSeen::default()));
    assert_eq!(entries(home.path()), ["node.pid", "users.acl", "valkey.conf"]);
    for path in [home.path().to_owned(), home.config_path(), home.path().join(NodeHome::ACL_FILE)] {
        let mode = fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
}

#[test]
fn a_rewritten_file_is_whole_private_and_alone() {
    let scene = Scene::new();
    let home = scene.home(0);
    let changed = NodeFile::private(NodeHome::CONFIG_FILE, "port 2");
    rewrite(&home, &changed).expect("there is nothing to replace");
    assert_eq!(files_seen(&home), Seen::Absent);
    prepare(&home, &files("port 1")).expect("prepares");
    fs::write(home.path().join("valkey.conf.new"), "left by an interruption").expect("writes");
    rewrite(&home, &changed).expect("rewrites");
    assert_eq!(config(&home), "port 2");
    assert_eq!(entries(home.path()), ["node.pid", "users.acl", "valkey.conf"]);
    let mode = fs::metadata(home.config_path()).expect("is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "mode {mode:o}");
}

#[test]
fn preparing_again_keeps_what_is_there() {
    let scene = Scene::new();
    let home = scene.home(0);
    for text in ["port 1", "port 2"] {
        prepare(&home, &files(text)).expect("prepares");
    }
    assert_eq!(config(&home), "port 1");
}

#[test]
fn leftovers_of_interrupted_work_are_not_taken_for_the_folder_and_go() {
    let scene = Scene::new();
    let home = scene.home(0);
    for leftover in [home.unfinished_path(), home.discarded_path()] {
        fs::create_dir_all(leftover.join("sub")).expect("creates");
        fs::write(leftover.join(NodeHome::CONFIG_FILE), "half").expect("writes");
    }
    assert_eq!(files_seen(&home), Seen::Absent);
    prepare(&home, &files("port 1")).expect("prepares");
    assert_eq!(entries(home.instance_path()), ["n0"]);
    assert_eq!(entries(home.path()), ["node.pid", "users.acl", "valkey.conf"]);
}

#[test]
fn a_folder_without_its_configuration_is_replaced() {
    let scene = Scene::new();
    let home = scene.home(0);
    fs::create_dir_all(home.path()).expect("creates");
    fs::write(home.path().join("stray"), "x").expect("writes");
    assert_eq!(files_seen(&home), Seen::Absent);
    prepare(&home, &files("port 1")).expect("prepares");
    assert_eq!(entries(home.path()), ["node.pid", "users.acl", "valkey.conf"]);
}

#[test]
fn what_cannot_be_looked_at_is_unknown_not_absent() {
    let scene = Scene::new();
    let home = scene.home(0);
    fs::create_dir_all(home.config_path()).expect("creates");
    assert_eq!(files_seen(&home), Seen::Unknown);
    let blocked = home_in(&home.config_path().join("loop"), 0);
    std::os::unix::fs::symlink("loop", home.config_path().join("loop")).expect("links");
    assert_eq!(files_seen(&blocked), Seen::Unknown);
}

#[test]
fn a_file_that_cannot_be_written_leaves_no_folder() {
    let scene = Scene::new();
    let home = scene.home(0);
    let mut bad = files("port 1");
    bad.push(NodeFile::private("../outside", "x"));
    let error = prepare(&home, &bad).expect_err("is refused");
    assert!(matches!(&error, FilesError::Other { path, .. } if path.ends_with("../outside")), "{error:?}");
    assert_eq!((files_seen(&home), entries(home.instance_path())), (Seen::Absent, Vec::new()));
}

#[test]
fn removing_takes_the_folder_its_leftovers_and_the_last_one_the_instance() {
    let scene = Scene::new();
    let homes = [scene.home(0), scene.home(1)];
    for home in &homes {
        prepare(home, &files("port 1")).expect("prepares");
        fs::create_dir(home.discarded_path()).expect("creates");
        fs::create_dir(home.unfinished_path()).expect("creates");
    }
    remove(&homes[0]).expect("removes");
    assert_eq!(entries(homes[1].instance_path()), ["n1", "n1.gone", "n1.new"]);
    for _ in 0..2 {
        remove(&homes[1]).expect("removes");
        assert!(entries(scene.folder.path()).is_empty());
    }
}

#[test]
fn the_leftovers_of_an_instance_go_as_a_whole_and_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = DataDir::open(&folder.path().join("data")).expect("opens");
    let uid = Uid(Uuid::from_u128(7));
    remove_leftovers(&data_dir, uid).expect("nothing is fine");
    let home = data_dir.node_home(uid, NodeSerial(0));
    fs::create_dir_all(home.unfinished_path()).expect("a leftover");
    fs::create_dir_all(data_dir.node_home(uid, NodeSerial(1)).discarded_path()).expect("a leftover");
    remove_leftovers(&data_dir, uid).expect("removed");
    assert!(!home.instance_path().exists());
    remove_leftovers(&data_dir, uid).expect("nothing is fine");
}

#[test]
fn failures_are_told_apart_by_what_they_mean() {
    let kind = |kind: ErrorKind| match FilesError::new(Path::new("/x"), io::Error::from(kind)) {
        FilesError::DiskFull { .. } => "disk full",
        FilesError::PermissionDenied { .. } => "permission denied",
        FilesError::Other { .. } => "other",
    };
    for full in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge] {
        assert_eq!(kind(full), "disk full");
    }
    for denied in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        assert_eq!(kind(denied), "permission denied");
    }
    assert_eq!(kind(ErrorKind::NotFound), "other");
}

const FULL_DISK: &str = "VALKYARD_TEST_FULL_DISK";

/// The test runs itself again in a mount namespace of its own, on a file system of 64 KiB.
#[test]
fn a_full_disk_is_reported_and_leaves_nothing() {
    if let Some(disk) = std::env::var_os(FULL_DISK) {
        return fill(Path::new(&disk));
    }
    let scene = Scene::new();
    let namespaces: &[&str] =
        if rustix::process::geteuid().is_root() { &["--mount"] } else { &["--mount", "--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command
        .args(namespaces)
        .args(["sh", "-c", "mount -t tmpfs -o size=64k valkyard-test \"$0\" && exec \"$@\""])
        .arg(scene.folder.path())
        .arg(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "files::tests::a_full_disk_is_reported_and_leaves_nothing", "--nocapture"])
        .env(FULL_DISK, scene.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = {
        let _alone = fork_alone();
        command.spawn().expect("unshare of util-linux is installed")
    };
    let ran = started.wait_with_output().expect("is a child");
    let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "needs root or unprivileged user namespaces to mount a small file system: {told}");
    assert!(told.contains("1 passed"), "{told}");
}

fn fill(disk: &Path) {
    let home = home_in(disk, 0);
    let large = vec![NodeFile::private(NodeHome::CONFIG_FILE, vec![b'x'; 1 << 20])];
    let error = prepare(&home, &large).expect_err("does not fit");
    assert!(matches!(&error, FilesError::DiskFull { path, .. } if path.starts_with(disk)), "{error:?}");
    assert_eq!((files_seen(&home), entries(home.instance_path())), (Seen::Absent, Vec::new()));
    prepare(&home, &files("port 1")).expect("a small one fits");

    let filler = vec![b'x'; 1 << 20];
    fs::write(disk.join("filler"), filler).expect_err("does not fit");
    let error = DataDir::open(disk).expect_err("no room for a probe");
    assert!(matches!(&error, DataDirError::DiskFull { .. }), "{error:?}");
}
