//! A small file system of a test's own, so that a full disk is really one: the test runs itself again in a mount namespace where
//! such a file system is mounted.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::statvfs;

/// Tells the test that it runs in the namespace, and where the file system is.
const MOUNTED_AT: &str = "VALKYARD_TEST_SMALL_DISK";

/// The file system. Whatever runs in the test is in its namespace, too.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Inside the namespace: the disk. Outside: runs the test of this full name again on a disk of so many MiB, and returns
    /// nothing.
    ///
    /// # Panics
    /// When the test fails inside, or nobody may mount a file system here.
    #[must_use]
    pub fn inside(test: &str, mib: u32) -> Option<Self> {
        if let Some(disk) = std::env::var_os(MOUNTED_AT) {
            return Some(Self(PathBuf::from(disk)));
        }
        let folder = tempfile::TempDir::with_prefix("valkyard-disk-").expect("a temporary folder");
        // Root need not be root of a user namespace, which is not permitted everywhere; anybody else must.
        let is_root = rustix::process::geteuid().is_root();
        let namespaces: &[&str] = if is_root { &["--mount"] } else { &["--mount", "--user", "--map-root-user"] };
        let mount = format!("mount -t tmpfs -o size={mib}m valkyard-test \"$0\" && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(namespaces).args(["sh", "-c", &mount]).arg(folder.path());
        command.arg(std::env::current_exe().expect("the test binary"));
        command.args(["--exact", test, "--nocapture"]).env(MOUNTED_AT, folder.path());
        let ran = command.output().expect("unshare of util-linux is installed");
        let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "needs root or unprivileged user namespaces to mount a small file system: {told}");
        assert!(told.contains("1 passed"), "{told}");
        None
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// From now on nobody writes to it.
    ///
    /// # Panics
    /// When it is in use.
    pub fn remount_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&self.0).status().expect("mount runs");
        assert!(status.success(), "it is in use");
    }

    /// Leaves this much room, as a neighbour does that fills the rest.
    ///
    /// # Panics
    /// When there is less.
    pub fn leave(&self, bytes: u64) {
        let state = statvfs(&self.0).expect("it is mounted");
        let free = state.f_bavail * state.f_frsize;
        let ballast = free.checked_sub(bytes).unwrap_or_else(|| panic!("only {free} bytes are free"));
        let content = vec![b'x'; usize::try_from(ballast).expect("a small disk")];
        let mut file = File::options().create(true).append(true).open(self.ballast()).expect("opens");
        file.write_all(&content).expect("there is room");
    }

    /// Removes what fills it.
    ///
    /// # Panics
    /// When nothing does.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}
