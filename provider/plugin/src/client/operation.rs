//! Waiting for long-running operations.
//!
//! Owns the waiting loop and what it logs. Resources call it inside their deadline. Invariants: the first look comes at
//! once, a short [`Outage`] of the daemon is waited out, since operations survive its restart, and the log is never silent
//! for longer than [`REPORT_INTERVAL`].
//! Dropping the wait stops nothing on the daemon.

use std::time::Duration;

use memorystore_proto::longrunning::{Operation, operation};
use memorystore_proto::{rpc, unpack, v1::OperationMetadata};

use tokio::time::Instant;

use super::outage::Outage;
use super::pace::Pace;
use super::queue::REPORT_INTERVAL;
use super::{ApiError, Client};

/// How often the log says that something changed, at most: while slots move, their number changes with every look.
const CHANGE_INTERVAL: Duration = Duration::from_secs(1);

/// Where an operation stands, by one look.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is over.
    Over(Finished),
    /// It goes on; what it waits for, if the daemon says so.
    GoesOn(String),
}

/// How an operation ended.
#[derive(Debug)]
pub(crate) enum Finished {
    /// It did what was asked.
    Done,
    /// It failed or was cancelled.
    Failed(ApiError),
}

impl Client {
    /// Waits until the operation is over.
    ///
    /// # Errors
    /// Fails when the daemon cannot be asked any more; the operation may go on then.
    pub(crate) async fn finished(&self, mut operation: Operation) -> Result<Finished, ApiError> {
        let mut pace = Pace::new();
        let mut progress = Progress::new();
        let mut outage = Outage::default();
        loop {
            if operation.done {
                return Ok(outcome(operation.result));
            }
            progress.report(&operation);
            match self.operation(operation.name.clone()).await {
                Ok(answer) => {
                    operation = answer;
                    outage.is_over();
                }
                Err(error) if error.is_outage() && outage.goes_on() => {}
                Err(error) => return Err(error),
            }
            if !operation.done {
                pace.next().await;
            }
        }
    }
}

impl Client {
    /// One look at an operation.
    pub(crate) async fn standing(&self, operation: &Operation) -> Result<Standing, ApiError> {
        let operation = self.operation(operation.name.clone()).await?;
        if operation.done {
            return Ok(Standing::Over(outcome(operation.result)));
        }
        Ok(Standing::GoesOn(metadata(&operation).status_message))
    }
}

fn outcome(result: Option<operation::Result>) -> Finished {
    match result {
        Some(operation::Result::Error(rpc::Status { code, message, details })) => {
            Finished::Failed(ApiError::refused(tonic::Code::from_i32(code), message, &details))
        }
        Some(operation::Result::Response(_)) | None => Finished::Done,
    }
}

fn metadata(operation: &Operation) -> OperationMetadata {
    let metadata = operation.metadata.as_ref().and_then(|any| unpack::<OperationMetadata>(any).ok());
    metadata.unwrap_or_default()
}

/// Says what an operation waits for: soon after that changes, and from time to time.
struct Progress {
    started: Instant,
    last: Option<(String, Instant)>,
}

impl Progress {
    fn new() -> Self {
        Self { started: Instant::now(), last: None }
    }

    fn is_due(&self, message: &str, now: Instant) -> bool {
        self.last.as_ref().is_none_or(|(last, at)| {
            let interval = if last == message { REPORT_INTERVAL } else { CHANGE_INTERVAL };
            now.duration_since(*at) >= interval
        })
    }

    fn report(&mut self, operation: &Operation) {
        let metadata = metadata(operation);
        let now = Instant::now();
        if !self.is_due(&metadata.status_message, now) {
            return;
        }
        tracing::info!(
            instance = metadata.target,
            verb = metadata.verb,
            waiting_for = metadata.status_message,
            elapsed_s = now.duration_since(self.started).as_secs(),
            "the operation is running"
        );
        self.last = Some((metadata.status_message, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_follows_changes_by_the_second_and_is_never_silent_for_longer_than_ten() {
        let started = Instant::now();
        let progress = Progress { started, last: Some(("moving 9 slots".to_owned(), started)) };
        let after = |millis| started + Duration::from_millis(millis);
        for (message, millis, due) in [
            ("moving 8 slots", 200, false),
            ("moving 7 slots", 1_000, true),
            ("moving 9 slots", 9_999, false),
            ("moving 9 slots", 10_000, true),
        ] {
            assert_eq!(progress.is_due(message, after(millis)), due, "{message} after {millis} ms");
        }
        assert!(Progress::new().is_due("accepted", started), "the first is told at once");
    }
}
