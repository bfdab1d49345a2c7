//! A creation on its way to the daemon.
//!
//! Owns [`Submission`]: one request, sent until the daemon says what became of it. Creating instances and backups uses
//! it. Invariants: every sending says the same; that of an instance carries an id, so the daemon answers each with the
//! one operation that it began, and no name has to be looked up that may be somebody else's; a daemon that never was
//! there is not waited for.

use memorystore_proto::longrunning::Operation;
use memorystore_proto::v1::{BackupInstanceRequest, CreateInstanceRequest};

use super::outage::Outage;
use super::pace::Pace;
use super::queue::Queue;
use super::{ApiError, Client};

/// What is to be made.
#[derive(Clone, Debug)]
pub(crate) enum Creation {
    /// The request must carry a request id.
    Instance(Box<CreateInstanceRequest>),
    /// The request must carry a backup id: the API has no request id here, so the second of two sendings that both
    /// arrive is told that the backup exists.
    Backup(BackupInstanceRequest),
}

impl Creation {
    fn rpc(&self) -> &'static str {
        match self {
            Self::Instance(_) => "CreateInstance",
            Self::Backup(_) => "BackupInstance",
        }
    }
}

/// One creation, however often it is sent.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    client: &'a Client,
    creation: Creation,
    unanswered: bool,
    was_unanswered: bool,
}

impl<'a> Submission<'a> {
    pub(crate) fn new(client: &'a Client, creation: Creation) -> Self {
        Self { client, creation, unanswered: false, was_unanswered: false }
    }

    /// Whether a sending may have reached the daemon and its answer did not come back.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.unanswered
    }

    /// Whether that was so of any sending, even if a later one was answered.
    pub(crate) fn was_unanswered(&self) -> bool {
        self.was_unanswered || self.unanswered
    }

    /// The operation that the daemon began for this request.
    ///
    /// Waits while another operation works on the instance, and through an outage that begins during a sending.
    /// May be dropped at any time and called again.
    ///
    /// # Errors
    /// Fails when the daemon refuses, and when it cannot be asked; [`Self::is_unanswered`] tells which.
    pub(crate) async fn answer(&mut self) -> Result<Operation, ApiError> {
        let mut pace = Pace::new();
        let (mut outage, mut queue) = (Outage::default(), Queue::default());
        loop {
            let error = match self.send().await {
                Ok(operation) => return Ok(operation),
                Err(error) => error,
            };
            if error.is_operation_in_progress() {
                queue.wait_on(self.creation.rpc());
                outage.is_over();
            } else if self.unanswered && outage.goes_on() {
                tracing::warn!(%error, "no answer to the creation; sending the same request again");
            } else {
                return Err(error);
            }
            pace.next().await;
        }
    }

    /// Counts as unanswered from the first byte, so that dropping it midway leaves the truth.
    async fn send(&mut self) -> Result<Operation, ApiError> {
        let before = std::mem::replace(&mut self.unanswered, true);
        self.was_unanswered |= before;
        let outcome = match self.creation.clone() {
            Creation::Instance(request) => self.client.create_instance(*request).await,
            Creation::Backup(request) => self.client.backup_instance(request).await,
        };
        self.unanswered = match &outcome {
            Err(error) if error.may_have_arrived() => true,
            // This sending did not arrive; an earlier one may have.
            Err(ApiError::Unreachable { .. } | ApiError::EndpointUnknown) => before,
            Err(ApiError::ConnectionLost { .. } | ApiError::Silent { .. } | ApiError::Refused { .. }) | Ok(_) => false,
        };
        outcome
    }
}
