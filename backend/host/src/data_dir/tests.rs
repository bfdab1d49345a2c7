use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::*;
use crate::process::fork_alone;

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

fn own_pid() -> Pid {
    Pid(std::process::id().cast_signed())
}

#[test]
fn a_new_folder_is_made_for_its_owner_alone() {
    let scene = Scene::new();
    let data_dir = DataDir::open(&scene.path()).expect("opens");
    assert_eq!(data_dir.path(), scene.path());
    assert_eq!(fs::metadata(scene.path()).expect("is there").permissions().mode() & 0o777, 0o700);
    let names = names_in(&scene.path()).expect("lists");
    assert_eq!(names, ["daemon.lock"], "the probe is gone");
}

#[test]
fn a_second_daemon_is_told_who_is_there() {
    let scene = Scene::new();
    assert_eq!(DataDir::peek_daemon(&scene.path()).expect("looks"), None);
    let first = DataDir::open(&scene.path()).expect("opens");
    let second = DataDir::open(&scene.path()).expect_err("is refused");
    assert!(matches!(&second, DataDirError::AlreadyRunning { pid: Some(pid), .. } if *pid == own_pid()), "{second:?}");
    assert_eq!(DataDir::peek_daemon(&scene.path()).expect("looks"), Some(own_pid()));
    drop(first);
    assert_eq!(DataDir::peek_daemon(&scene.path()).expect("looks"), None, "the file stays, its lock does not");
    DataDir::open(&scene.path()).expect("opens again");
}

#[test]
fn paths_that_cannot_work_are_refused_before_anything_is_made() {
    let scene = Scene::new();
    let refused = |path: PathBuf| DataDir::open(&path).expect_err("is refused");
    assert!(matches!(refused("data".into()), DataDirError::Relative { .. }));
    let long = scene
        .path()
        .join("d".repeat(100))
        .join("d".repeat(200))
        .join("d".repeat(200))
        .join("d".repeat(200))
        .join("d".repeat(200));
    assert!(matches!(refused(long), DataDirError::TooLong { length, .. } if length > PATH_LENGTH_MAX));
    assert!(matches!(refused(scene.path().join("two\nlines")), DataDirError::Unprintable { .. }));
    assert!(!scene.path().exists());
    fs::write(scene.path(), "a file").expect("writes");
    assert!(matches!(refused(scene.path()), DataDirError::NotADirectory { .. }));
    assert!(matches!(refused(scene.path().join("inside")), DataDirError::NotADirectory { .. }));
}

const UNWRITABLE: &str = "VALKYARD_TEST_UNWRITABLE";
/// The user `nobody`, for when the tests run as root, to whom permissions mean nothing.
const NOBODY: u32 = 65_534;

/// The test runs itself again, as another user if it is root.
#[test]
fn a_folder_that_cannot_be_written_to_comes_with_the_command_that_helps() {
    if let Some(path) = std::env::var_os(UNWRITABLE) {
        let error = DataDir::open(Path::new(&path)).expect_err("is refused");
        assert!(matches!(error, DataDirError::NotWritable { .. }), "{error:?}");
        return println!("refused: {error}");
    }
    let scene = Scene::new();
    let open_to_all = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("is the owner");
    open_to_all(scene.folder.path());
    let binary = scene.folder.path().join("test-binary");
    fs::copy(std::env::current_exe().expect("the test binary"), &binary).expect("copies");
    open_to_all(&binary);
    fs::create_dir(scene.path()).expect("creates");
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o555)).expect("is the owner");

    let mut again = Command::new(binary);
    let test = "data_dir::tests::a_folder_that_cannot_be_written_to_comes_with_the_command_that_helps";
    again.args(["--exact", test, "--nocapture"]).env(UNWRITABLE, scene.path()).current_dir("/");
    let data = scene.path().display().to_string();
    let helps = if rustix::process::geteuid().is_root() {
        again.uid(NOBODY).gid(NOBODY);
        format!("it belongs to user 0; run `sudo chown -R {NOBODY}:{NOBODY} {data}`")
    } else {
        format!("run `chmod u+rwx {data}`")
    };
    let started = {
        let _alone = fork_alone();
        again.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
    };
    let ran = started.wait_with_output().expect("is a child");
    let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    let expected = format!("refused: data directory {data} is not writable: {helps}");
    assert!(ran.status.success() && told.contains(&expected), "{told}");
}

#[test]
fn a_folder_that_cannot_be_made_comes_with_the_command_that_helps() {
    let missing = Path::new("/nonexistent/data");
    assert_eq!(remedy(missing, 7, 8), "run `sudo mkdir -p /nonexistent/data && sudo chown 7:8 /nonexistent/data`");
}

#[test]
fn every_home_on_disk_is_found_leftovers_included_and_strangers_ignored() {
    let scene = Scene::new();
    let data_dir = DataDir::open(&scene.path()).expect("opens");
    assert_eq!(data_dir.homes().expect("lists"), []);
    let uid = Uid(Uuid::from_u128(5));
    let expected: Vec<NodeHome> = [0, 1, 2, 10].map(|serial| data_dir.node_home(uid, NodeSerial(serial))).to_vec();
    assert!(expected[3].path().ends_with(format!("instances/{uid}/n10")));
    fs::create_dir_all(expected[0].path()).expect("creates");
    fs::create_dir_all(expected[0].discarded_path()).expect("creates");
    fs::create_dir_all(expected[1].unfinished_path()).expect("creates");
    fs::create_dir_all(expected[2].discarded_path()).expect("creates");
    fs::create_dir_all(expected[3].path()).expect("creates");
    fs::create_dir_all(expected[0].instance_path().join("notes")).expect("creates");
    fs::create_dir_all(data_dir.instances().join("lost+found/n1")).expect("creates");
    assert_eq!(data_dir.homes().expect("lists"), expected);
}
