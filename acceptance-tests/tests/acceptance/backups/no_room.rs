//! No room for a backup, and none for a restore: a disk that is full to the last byte, and a limit of file sizes.

use std::fs;
use std::time::Duration;

use acceptance_tests::{Backups, DaemonOptions, Scene, SmallDisk, wait_until};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use super::{MIB, active, digest_of, failure, response, shape, write_large_values};

/// What is written to the instance: values that nothing can compress, of a MiB each.
const DATA_MIB: u64 = 16;
/// What is left of the disk, and how large a file may be: more than the daemon's database takes, and less than a half of the
/// data, so that each of two shards is too large where keys are not even.
const ROOM_BYTES: u64 = 6 * MIB;
/// Holds the data thrice, and what the daemon and its nodes need.
const DISK_MIB: u32 = 72;
/// The keeper looks every second while a backup is made; the rest is a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// What takes the room away, and gives it back.
trait Shortage {
    /// The operating system's words.
    const WORDS: &'static str;
    fn begin(&self);
    fn end(&self);
}

impl Shortage for SmallDisk {
    const WORDS: &'static str = "No space left on device";

    fn begin(&self) {
        self.leave(ROOM_BYTES);
    }

    fn end(&self) {
        self.make_room();
    }
}

/// Files of this process cannot grow beyond a size: what `ulimit -f` and `LimitFSIZE=` do.
struct FileSizeLimit(Pid);

impl FileSizeLimit {
    fn set(&self, current: Option<u64>) {
        let limit = Rlimit { current, maximum: None };
        prlimit(Some(self.0), Resource::Fsize, limit).expect("the daemon is ours");
    }
}

impl Shortage for FileSizeLimit {
    const WORDS: &'static str = "File too large";

    fn begin(&self) {
        self.set(Some(ROOM_BYTES));
    }

    fn end(&self) {
        self.set(None);
    }
}

fn assert_says<S: Shortage>(message: &str, file: &str) {
    for part in [S::WORDS, file, "free disk space, or raise the quota or the limit of file sizes"] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

/// Folders of instances in the data folder.
fn instances(scene: &Scene) -> Vec<String> {
    let found = fs::read_dir(scene.data_dir().join("instances")).expect("a folder of the daemon").flatten();
    found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn a_backup_and_a_restore_fail_and_work_once_there_is_room<S: Shortage>(scene: &Scene, shortage: &S) {
    let backups = Backups::of(scene.api());
    write_large_values(scene, DATA_MIB);
    shortage.begin();
    let message = failure(&backups.finish(&backups.ask("cache", "first")));
    assert_says::<S>(&message, "p.us-central1.cache/first/s0.rdb");
    assert_eq!(active(&backups), Vec::<Value>::new());
    shortage.end();
    wait_until("nothing is left of the backup that failed", LIMIT, || {
        let (listed, folder) = (backups.list("cache"), scene.data_dir().join("backups/p.us-central1.cache/first"));
        if listed.is_empty() && !folder.exists() { Ok(()) } else { Err(format!("{listed:?}")) }
    });
    let (digest, keys) = digest_of(&backups, "cache", "second");
    assert_eq!(keys, DATA_MIB.to_string());

    shortage.begin();
    let message = failure(&backups.restore("cache", "second", "copy", &shape(2, 0)));
    assert_says::<S>(&message, "dump.rdb");
    assert_eq!(scene.api().get("/v1/projects/p/locations/us-central1/instances/copy").status, 404);
    assert_eq!(instances(scene).len(), 1, "only the first instance is there: {:?}", instances(scene));
    shortage.end();
    let _copy = response(&backups.restore("cache", "second", "copy", &shape(2, 0)));
    assert_eq!(digest_of(&backups, "copy", "whole"), (digest, keys));
}

#[test]
fn a_full_disk_fails_a_backup_and_a_restore_and_leaves_nothing_half() {
    let name = "backups::no_room::a_full_disk_fails_a_backup_and_a_restore_and_leaves_nothing_half";
    let Some(disk) = SmallDisk::inside(name, DISK_MIB) else { return };
    let options = DaemonOptions { data_dir: Some(disk.path().join("data")), ..DaemonOptions::default() };
    let scene = Scene::create_with(options, &shape(1, 0));
    a_backup_and_a_restore_fail_and_work_once_there_is_room(&scene, &disk);
}

#[test]
fn a_limit_of_file_sizes_fails_a_backup_and_a_restore_and_not_the_daemon() {
    let scene = Scene::create(&shape(1, 0));
    let limit = FileSizeLimit(Pid::from_raw(scene.daemon.pid()).expect("pids are positive"));
    a_backup_and_a_restore_fail_and_work_once_there_is_room(&scene, &limit);
}
