//! Learning at once that a process has ended, whoever started it, and collecting it if this daemon did.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::process::{PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use valkyard_model::Pid;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// By itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// By a signal.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// It is not there any more; how it ended is known only to the process that started it.
    Unknown,
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exit code {code}"),
            Self::Signaled { signal } => match signal_name(*signal) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {signal}"),
            },
            Self::Unknown => f.write_str("ended, status unknown"),
        }
    }
}

/// Names of the signals that end engines, as Linux numbers them.
fn signal_name(signal: i32) -> Option<&'static str> {
    const NAMES: [(i32, &str); 8] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
    ];
    NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| *name)
}

/// A pidfd that collects its process when it goes, if that has ended and is a child: a watch that is dropped midway leaves
/// no zombie.
#[derive(Debug)]
struct Watched(OwnedFd);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Watched {
    fn collect(&self) -> ExitStatus {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        match waitid(WaitId::PidFd(self.0.as_fd()), options) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => ExitStatus::Exited { code },
                (None, Some(signal)) => ExitStatus::Signaled { signal },
                (None, None) => ExitStatus::Unknown,
            },
            // Not a child of this process, or collected before.
            Ok(None) | Err(_) => ExitStatus::Unknown,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.collect();
    }
}

/// Waits until the process with this pid has ended. A process that is gone already counts as ended. May be dropped midway
/// and begun again.
///
/// A process that was not started by this daemon may have ended, and its pid be reused, before this is called; the caller
/// treats the end as a reason to look again and nothing more.
pub async fn watch_exit(pid: Pid) -> ExitStatus {
    match open(pid) {
        Ok(Some(watched)) => {
            // A pidfd is readable once its process has ended. Not to know is a reason to look again, too.
            match watched.readable().await {
                Ok(_) => watched.get_ref().collect(),
                Err(_) => ExitStatus::Unknown,
            }
        }
        Ok(None) => ExitStatus::Unknown,
        Err(error) => {
            tracing::warn!(%pid, cause = %error, "a process cannot be watched; its end will be noticed by polling");
            std::future::pending().await
        }
    }
}

fn open(pid: Pid) -> io::Result<Option<AsyncFd<Watched>>> {
    let Some(raw) = rustix::process::Pid::from_raw(pid.0) else {
        return Ok(None);
    };
    match pidfd_open(raw, PidfdFlags::NONBLOCK) {
        Ok(pidfd) => register(Watched(pidfd)).map(Some),
        Err(Errno::SRCH) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[expect(unsafe_code, reason = "tokio leaves it to its callers that a descriptor stays open while it is polled")]
fn register(watched: Watched) -> io::Result<AsyncFd<Watched>> {
    // SAFETY: `Watched` owns the descriptor, hands out no other in `as_raw_fd`, and closes it only when it is dropped, which
    // the `AsyncFd` that owns it does after it has stopped polling.
    let registered = unsafe { AsyncFd::register_with_interest(watched, Interest::READABLE) };
    registered.map_err(io::Error::from)
}
