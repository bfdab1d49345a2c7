//! Waiting for long-running operations.
//!
//! Owns the waiting loop. Resources call it inside their deadline. Invariants: the first look comes at once, and
//! a short [`Outage`] of the daemon is waited out, since operations survive its restart.
//! Dropping the wait stops nothing on the daemon.

use memorystore_proto::longrunning::{Operation, operation};
use memorystore_proto::{rpc, unpack, v1::OperationMetadata};

use super::outage::Outage;
use super::pace::Pace;
use super::{ApiError, Client};

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
        let mut progress = Progress::default();
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

fn outcome(result: Option<operation::Result>) -> Finished {
    match result {
        Some(operation::Result::Error(rpc::Status { code, message, details })) => {
            Finished::Failed(ApiError::refused(tonic::Code::from_i32(code), message, &details))
        }
        Some(operation::Result::Response(_)) | None => Finished::Done,
    }
}

/// Says what an operation waits for, whenever that changes.
#[derive(Default)]
struct Progress {
    last: String,
}

impl Progress {
    fn report(&mut self, operation: &Operation) {
        let metadata = operation.metadata.as_ref().and_then(|any| unpack::<OperationMetadata>(any).ok());
        let Some(metadata) = metadata else { return };
        if metadata.status_message.is_empty() || metadata.status_message == self.last {
            return;
        }
        tracing::info!(
            instance = metadata.target,
            verb = metadata.verb,
            waiting_for = metadata.status_message,
            "the operation is running"
        );
        self.last = metadata.status_message;
    }
}
