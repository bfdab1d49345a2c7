//! When the process ends: the host's call, SIGTERM, the loss of the host, or in debug mode SIGINT.
//!
//! Used by [`Listening`](super::Listening). SIGINT is ignored under a host, because Ctrl-C reaches the whole process
//! group and the host still needs its providers to stop cleanly. All ways out lead to the same token, so the socket
//! is removed and work in flight is cancelled whichever it was.

use std::{convert::Infallible, io, time::Duration};

use rustix::process::{Pid, getppid};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::serve::Mode;

/// Time for calls in flight to be answered after the end was asked for. The host kills after 2 s.
pub(super) const END_GRACE: Duration = Duration::from_secs(1);

/// How often to look whether the host still lives. A host that was killed cannot say goodbye, and its providers would
/// stay for ever; a few seconds late is soon enough, and one system call costs nothing.
const HOST_CHECK_PERIOD: Duration = Duration::from_secs(2);

/// Watches for everything outside the server that ends the process.
#[derive(Debug)]
pub(super) struct EndWatch {
    mode: Mode,
    interrupt: Signal,
    terminate: Signal,
    parent: Option<Pid>,
}

impl EndWatch {
    /// Installs the signal handlers. Needs a runtime to be entered.
    pub(super) fn install(mode: Mode) -> io::Result<Self> {
        Ok(Self {
            mode,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            parent: getppid(),
        })
    }

    /// Cancels `ending` when the process is to end.
    pub(super) async fn watch(mut self, ending: CancellationToken) -> Infallible {
        let mut host_check = interval_at(Instant::now() + HOST_CHECK_PERIOD, HOST_CHECK_PERIOD);
        loop {
            tokio::select! {
                _ = self.terminate.recv() => ending.cancel(),
                _ = self.interrupt.recv() => match self.mode {
                    Mode::Managed => tracing::debug!("SIGINT ignored: the host decides"),
                    Mode::Debug => ending.cancel(),
                },
                _ = host_check.tick(), if self.mode == Mode::Managed => {
                    if getppid() != self.parent {
                        ending.cancel();
                    }
                }
            }
        }
    }
}
