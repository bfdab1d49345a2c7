//! What a call to a resource brings along.
//!
//! Owns [`Context`]. `rpc` makes one per call. Invariant: it lives as long as the call; nothing in it grows.
//! It stops nothing by itself: a resource that waits, waits with [`Context::run`] or watches the token.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::diagnostic::{Diagnostic, Diagnostics};

/// The provider's client and the limits of this call.
#[derive(Debug)]
pub struct Context<C> {
    client: Arc<C>,
    cancelled: CancellationToken,
    limit: Duration,
    deadline: Instant,
    terraform_version: Arc<str>,
}

/// Why [`Context::run`] gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// The user stopped Terraform.
    #[error("the operation was cancelled")]
    Cancelled,
    /// The time limit has passed.
    #[error("the operation took longer than its timeout of {}", crate::timeouts::format_duration(*.limit))]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
}

impl From<Interrupted> for Diagnostic {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Cancelled => Diagnostic::error("Operation cancelled").detail("Terraform asked to stop."),
            Interrupted::TimedOut { .. } => {
                Diagnostic::error("Operation timed out").detail(format!("{interrupted}. Raise it in the `timeouts` attribute."))
            }
        }
    }
}

impl From<Interrupted> for Diagnostics {
    fn from(interrupted: Interrupted) -> Self {
        Self::from(Diagnostic::from(interrupted))
    }
}

impl<C> Context<C> {
    pub(crate) fn new(client: Arc<C>, cancelled: CancellationToken, limit: Duration, terraform_version: Arc<str>) -> Self {
        Self { client, cancelled, limit, deadline: Instant::now() + limit, terraform_version }
    }

    /// What [`Provider::configure`](crate::Provider::configure) returned.
    #[must_use]
    pub fn client(&self) -> &C {
        &self.client
    }

    /// Fires when the user stops Terraform (`StopProvider`).
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// When the operation has to be over, by the `timeouts` attribute or its default.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The version of Terraform or OpenTofu, such as `1.15.5`.
    #[must_use]
    pub fn terraform_version(&self) -> &str {
        &self.terraform_version
    }

    /// Runs `work` until it ends, the user stops Terraform or the deadline passes; `work` is then dropped.
    ///
    /// # Errors
    /// Says which of the two ended it.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(Interrupted::Cancelled),
            done = tokio::time::timeout_at(self.deadline, work) => {
                done.map_err(|_| Interrupted::TimedOut { limit: self.limit })
            }
        }
    }
}
