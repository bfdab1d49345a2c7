//! `node.pid`: its lock tells whether a process of the node lives, its content which.
//!
//! A folder gets the file when it is made. Where it is missing all the same, somebody took it away, and nothing may be
//! concluded from that: see `bereft`.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use valkyard_model::{Pid, ProcessSeen, ProcessState, Seen};

use super::bereft;
use super::identity::{LivingProcess, ProcessIdentity};
use crate::node_home::NodeHome;
use crate::ports::processes;

const FILE_MODE: u32 = 0o600;

/// Looks at a node's process. `Unknown` when it cannot be told whether one lives, or which. `Absent` where there is no folder,
/// too: only the engine can say that it outlived its folder.
#[must_use]
pub fn process_seen(home: &NodeHome) -> Seen<ProcessSeen> {
    match holder(home) {
        Ok(Holder::Nobody) => Seen::Absent,
        Ok(Holder::Process(pid)) => Seen::Known(ProcessSeen { pid, state: state_of(pid) }),
        Ok(Holder::Hidden) | Err(_) => Seen::Unknown,
    }
}

/// One that ended since it was found had been running.
fn state_of(pid: Pid) -> ProcessState {
    match LivingProcess::find(pid) {
        Ok(Some(process)) => process.state,
        Ok(None) | Err(_) => ProcessState::Running,
    }
}

/// Who holds the lock of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    /// The process that the file names, or one it left behind.
    Process(Pid),
    /// Somebody, but it cannot be seen who.
    Hidden,
}

pub(super) fn holder(home: &NodeHome) -> io::Result<Holder> {
    let file = match File::open(home.pid_path()) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return bereft::holder(home),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        // Unlocked explicitly: a process that is being forked at this moment has a copy of the descriptor.
        Ok(()) => file.unlock().map(|()| Holder::Nobody),
        Err(TryLockError::WouldBlock) => find_holder(home, &file),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn find_holder(home: &NodeHome, file: &File) -> io::Result<Holder> {
    let Some(named) = recorded(home)? else {
        return Ok(Holder::Hidden);
    };
    if LivingProcess::find(named.pid)?.is_some_and(|process| process.identity == named) {
        return Ok(Holder::Process(named.pid));
    }
    // The process is gone, and a child that it forked, such as one that writes a snapshot, still has the lock. The session
    // tells it from any other process that was forked while the lock's descriptor was open.
    let wanted = file.metadata()?;
    let is_left_behind = |pid: &Pid| {
        let in_session = matches!(LivingProcess::find(*pid), Ok(Some(process)) if process.session == named.pid);
        in_session && has_open(*pid, &wanted)
    };
    Ok(processes().find(is_left_behind).map_or(Holder::Hidden, Holder::Process))
}

fn has_open(pid: Pid, wanted: &Metadata) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut files = descriptors.filter_map(|entry| fs::metadata(entry.path()).ok());
    files.any(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
}

/// The process that the file names, living or not.
pub(super) fn recorded(home: &NodeHome) -> io::Result<Option<ProcessIdentity>> {
    Ok(ProcessIdentity::parse(&fs::read_to_string(home.pid_path())?))
}

/// The file, locked for a process to be started; nothing if one has the lock.
pub(super) fn take_lock(home: &NodeHome) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(home.pid_path())?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
