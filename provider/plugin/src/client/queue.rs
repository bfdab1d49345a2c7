//! Telling that a request waits for another operation on its instance.
//!
//! Owns [`Queue`]. Invariant: the log says it at once and then every [`REPORT_INTERVAL`], however often is asked again.

use std::time::Duration;

use tokio::time::Instant;

/// How often the log says that something is still waited for: as often as Terraform's own line on the screen.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// A place in the queue of an instance's operations.
#[derive(Debug, Default)]
pub(super) struct Queue {
    reported: Option<Instant>,
}

impl Queue {
    /// Notes that the request has to wait on.
    pub(super) fn wait_on(&mut self, rpc: &'static str) {
        let now = Instant::now();
        if self.reported.is_none_or(|reported| now - reported >= REPORT_INTERVAL) {
            tracing::info!(rpc, "waiting for another operation on the instance to end");
            self.reported = Some(now);
        }
    }
}
