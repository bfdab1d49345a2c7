use std::os::unix::fs::PermissionsExt;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn reserve(&self) -> Reserve {
        Reserve::beside(&self.0.path().join("valkyard.db"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("valkyard.db.reserve")
    }

    fn allocated_bytes(&self) -> u64 {
        fs::metadata(self.file()).expect("is there").blocks() * BLOCK_BYTES
    }
}

#[test]
fn the_reserve_is_really_allocated_and_private() {
    let folder = Folder::new();
    folder.reserve();
    assert!(folder.allocated_bytes() >= RESERVE_BYTES);
    assert_eq!(fs::metadata(folder.file()).expect("is there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn it_is_given_back_portion_by_portion_until_the_file_is_gone() {
    let folder = Folder::new();
    let mut reserve = folder.reserve();
    let mut before = folder.allocated_bytes();
    for _ in 1..RESERVE_BYTES / PORTION_BYTES {
        assert!(reserve.release_portion());
        let after = folder.allocated_bytes();
        assert!(before - after >= PORTION_BYTES, "{before} {after}");
        before = after;
    }
    assert!(reserve.release_portion());
    assert!(!folder.file().exists());
    assert!(!reserve.release_portion());
    reserve.refill_if_short();
    assert!(folder.allocated_bytes() >= RESERVE_BYTES);
}

#[test]
fn what_an_earlier_daemon_left_is_counted_and_completed() {
    let folder = Folder::new();
    assert!(folder.reserve().release_portion());
    assert_eq!(folder.reserve().held_bytes, RESERVE_BYTES);
    assert!(folder.allocated_bytes() >= RESERVE_BYTES);
}

#[test]
fn a_file_of_holes_is_not_taken_for_room() {
    let folder = Folder::new();
    File::create(folder.file()).expect("creates").set_len(RESERVE_BYTES).expect("makes a hole");
    assert_eq!(folder.allocated_bytes(), 0);
    folder.reserve();
    assert!(folder.allocated_bytes() >= RESERVE_BYTES);
}

#[test]
fn a_reserve_that_somebody_removed_gives_nothing_and_comes_back() {
    let folder = Folder::new();
    let mut reserve = folder.reserve();
    fs::remove_file(folder.file()).expect("is there");
    assert!(!reserve.release_portion());
    reserve.refill_if_short();
    assert!(folder.allocated_bytes() >= RESERVE_BYTES);
}

#[test]
fn without_a_place_for_it_there_is_none() {
    let folder = Folder::new();
    let mut reserve = Reserve::beside(&folder.0.path().join("missing").join("valkyard.db"));
    assert!(!reserve.release_portion());
    reserve.refill_if_short();
    assert_eq!(reserve.held_bytes, 0);
}
