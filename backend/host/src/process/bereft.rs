//! A folder whose `node.pid` was taken away: the process that has the lock still has the deleted file open, and works in the
//! folder, which is how it is found.
//!
//! That nobody is found counts only if every process of the folder's owner could be looked at. Each look costs a walk
//! through `/proc`, so it is kept for this case.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use valkyard_model::Pid;

use super::identity::{LivingProcess, is_gone};
use super::pid_file::Holder;
use crate::node_home::NodeHome;
use crate::ports::processes;

/// How the kernel marks the name of an open file that is in no folder any more.
const DELETED: &str = " (deleted)";
/// The first process, which starts the others and often may not be looked into; nobody's node.
const INIT: Pid = Pid(1);

pub(super) fn holder(home: &NodeHome) -> io::Result<Holder> {
    let folder = match fs::metadata(home.path()) {
        Ok(folder) => folder,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Holder::Nobody),
        Err(error) => return Err(error),
    };
    let mut found = None;
    let mut is_complete = true;
    for pid in processes().filter(|pid| *pid != INIT) {
        match works_with_lost_file(pid, &folder) {
            Ok(true) => {
                let leads_session = matches!(LivingProcess::find(pid), Ok(Some(process)) if process.session == pid);
                if leads_session {
                    return Ok(Holder::Process(pid));
                }
                // A child that it has left behind, unless the process itself is still to come.
                found = Some(pid);
            }
            Ok(false) => {}
            Err(_) => is_complete &= owner(pid).is_some_and(|owner| owner != folder.uid()),
        }
    }
    Ok(match found {
        Some(pid) => Holder::Process(pid),
        None if is_complete => Holder::Nobody,
        None => Holder::Hidden,
    })
}

/// Whether a process works in this folder and has a deleted `node.pid` open. One that ends meanwhile does not.
fn works_with_lost_file(pid: Pid, folder: &Metadata) -> io::Result<bool> {
    let works = || {
        let working = fs::metadata(format!("/proc/{pid}/cwd"))?;
        if (working.dev(), working.ino()) != (folder.dev(), folder.ino()) {
            return Ok(false);
        }
        for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
            match fs::read_link(entry?.path()) {
                Ok(target) if is_lost_file(target.as_os_str().as_bytes()) => return Ok(true),
                Ok(_) => {}
                // Closed since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    };
    match works() {
        Err(error) if is_gone(&error) => Ok(false),
        other => other,
    }
}

fn is_lost_file(target: &[u8]) -> bool {
    let name = target.strip_suffix(DELETED.as_bytes()).and_then(|path| path.rsplit(|byte| *byte == b'/').next());
    name == Some(NodeHome::PID_FILE.as_bytes())
}

/// The user that a process belongs to: also of one that keeps others from looking into it, whose folder in `/proc` is root's.
fn owner(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}
