//! Node processes on this machine, told by the folder they run in.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// A node's process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeProcess {
    /// Its id.
    pub pid: i32,
    /// Its folder.
    pub folder: PathBuf,
}

/// Processes whose working folder lies below `data_dir`, daemons apart.
#[must_use]
pub fn node_processes(data_dir: &Path) -> Vec<NodeProcess> {
    let instances = data_dir.join("instances");
    let mut found: Vec<NodeProcess> = std::fs::read_dir("/proc")
        .expect("there is /proc")
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let folder = std::fs::read_link(entry.path().join("cwd")).ok()?;
            folder.starts_with(&instances).then_some(NodeProcess { pid, folder })
        })
        .collect();
    found.sort();
    found
}

/// Sends SIGKILL. A process that is gone already is fine: that is what was wanted.
///
/// # Panics
/// When the process belongs to somebody else.
pub fn kill_9(pid: i32) {
    let pid = Pid::from_raw(pid).expect("pids are positive");
    match kill_process(pid, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("cannot kill {pid:?}: {error}"),
    }
}
