//! Processes of nodes: started so that they outlive the daemon, found again by the lock they hold.
//!
//! A node's process inherits an open, locked descriptor of its `node.pid`. The kernel drops such a lock with the last
//! process that has the descriptor, so "locked" and "alive" are the same thing, over crashes of the daemon and without
//! trust in pids. The file holds pid and start time, written by the process itself before it becomes the engine.

mod bereft;
mod exit_watch;
mod identity;
mod log;
mod pid_file;
mod signal;
mod spawn;

pub use exit_watch::{ExitStatus, watch_exit};
pub use log::log_tail;
pub use pid_file::process_seen;
pub use signal::{SignalError, freeze, signal, thaw};
pub use spawn::{ProcessSpec, SpawnError, spawn};

#[cfg(test)]
pub(crate) use spawn::fork_alone;

#[cfg(test)]
mod tests;
