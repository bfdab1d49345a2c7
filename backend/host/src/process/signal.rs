//! Ending a node's process, or halting it, and surely no other: the signal goes through a pidfd that was opened before the process was
//! recognised, so a pid that is reused meanwhile cannot be hit.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use valkyard_model::StopManner;

use super::pid_file::{Holder, holder};
use crate::node_home::NodeHome;

/// Why a process was not signalled.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// A process of the node runs, and it cannot be seen which.
    #[error("the process of the node in {} cannot be identified", path.display())]
    Unidentified {
        /// The node's folder.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("failed to signal the process of the node in {}", path.display())]
    Refused {
        /// The node's folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Asks or makes a node's process end. Does nothing when there is none. That it ended is seen by [`crate::process_seen`].
///
/// # Errors
/// See [`SignalError`].
pub fn signal(home: &NodeHome, manner: StopManner) -> Result<(), SignalError> {
    send(
        home,
        match manner {
            StopManner::Terminate => Signal::TERM,
            StopManner::Kill => Signal::KILL,
        },
    )
}

/// Takes the CPU from a node's process until it is thawed; its ports stay open and answer nobody. Does nothing when there is
/// none. That it stands is seen in the state that [`crate::process_seen`] tells.
///
/// # Errors
/// See [`SignalError`].
pub fn freeze(home: &NodeHome) -> Result<(), SignalError> {
    send(home, Signal::STOP)
}

/// Lets a frozen process of a node go on. Does nothing when there is none, or when it was not frozen.
///
/// # Errors
/// See [`SignalError`].
pub fn thaw(home: &NodeHome) -> Result<(), SignalError> {
    send(home, Signal::CONT)
}

fn send(home: &NodeHome, signal: Signal) -> Result<(), SignalError> {
    let refused = |source: io::Error| SignalError::Refused { path: home.path().to_owned(), source };
    let unidentified = || SignalError::Unidentified { path: home.path().to_owned() };
    let pid = match holder(home).map_err(refused)? {
        Holder::Nobody => return Ok(()),
        Holder::Process(pid) => pid,
        Holder::Hidden => return Err(unidentified()),
    };
    let raw = rustix::process::Pid::from_raw(pid.0).ok_or_else(unidentified)?;
    let sent = match pidfd_open(raw, PidfdFlags::empty()) {
        // Recognised again with the pidfd open: from here on it can only be this process.
        Ok(pidfd) if holder(home).map_err(refused)? == Holder::Process(pid) => pidfd_send_signal(&pidfd, signal),
        Ok(_) | Err(Errno::SRCH) => Ok(()),
        Err(errno) => Err(errno),
    };
    match sent {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(errno) => Err(refused(errno.into())),
    }
}
