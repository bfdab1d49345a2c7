//! What can go wrong with a call.
//!
//! Owns [`ApiError`] and how gRPC statuses and failed operations become one. Only [`super::answer`] turns it into
//! text for users. Invariant: nothing here or there decides by message text; codes, reasons and error types do.

use std::error::Error;
use std::time::Duration;

use memorystore_proto::rpc::{BadRequest, ErrorInfo, bad_request::FieldViolation};
use memorystore_proto::{rpc, unpack};
use prost::Message as _;
use prost_types::Any;
use tonic::{Code, ConnectError, Status};

use super::EndpointUrl;

/// Reason by which the API says that an instance takes one mutation at a time.
const OPERATION_IN_PROGRESS: &str = "operationInProgress";

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The provider block's endpoint is known only after apply.
    #[error("the daemon's endpoint is not known yet")]
    EndpointUnknown,
    /// Nobody listens there: the call did not arrive.
    #[error("failed to connect to {endpoint}")]
    Unreachable {
        endpoint: EndpointUrl,
        #[source]
        cause: Box<Status>,
    },
    /// The connection broke during the call: it may have arrived.
    #[error("failed to get an answer from {endpoint}")]
    ConnectionLost {
        endpoint: EndpointUrl,
        #[source]
        cause: Box<Status>,
    },
    /// Somebody listens there and says nothing: the call may have arrived.
    #[error("no answer from {endpoint} within {} s", limit.as_secs())]
    Silent { endpoint: EndpointUrl, limit: Duration },
    /// The daemon said no, or an operation ended in an error.
    #[error("{message} ({code:?})")]
    Refused { code: Code, message: String, violations: Vec<FieldViolation>, reason: Option<String> },
}

impl ApiError {
    pub(super) fn from_status(endpoint: &EndpointUrl, status: Status) -> Self {
        if status.source().is_none() {
            let details = rpc::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
            return Self::refused(status.code(), status.message().to_owned(), &details);
        }
        let (endpoint, cause) = (endpoint.clone(), Box::new(status));
        if causes(&cause).iter().any(|error| error.is::<ConnectError>()) {
            Self::Unreachable { endpoint, cause }
        } else {
            Self::ConnectionLost { endpoint, cause }
        }
    }

    pub(super) fn refused(code: Code, message: String, details: &[Any]) -> Self {
        let violations = details.iter().filter_map(|any| unpack::<BadRequest>(any).ok());
        let violations = violations.flat_map(|bad_request| bad_request.field_violations).collect();
        let reason = details.iter().find_map(|any| unpack::<ErrorInfo>(any).ok()).map(|info| info.reason);
        Self::Refused { code, message, violations, reason }
    }

    /// The code of the daemon's refusal.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::EndpointUnknown | Self::Unreachable { .. } | Self::ConnectionLost { .. } | Self::Silent { .. } => None,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == Some(Code::NotFound)
    }

    /// Whether the daemon may have acted on the call although it did not say so.
    pub(super) fn may_have_arrived(&self) -> bool {
        match self {
            Self::ConnectionLost { .. } | Self::Silent { .. } => true,
            // A daemon that stops says so whatever it has begun.
            Self::Refused { code, .. } => *code == Code::Unavailable,
            Self::Unreachable { .. } | Self::EndpointUnknown => false,
        }
    }

    pub(super) fn is_operation_in_progress(&self) -> bool {
        matches!(self, Self::Refused { code: Code::Aborted, reason: Some(reason), .. } if reason == OPERATION_IN_PROGRESS)
    }

    /// Whether the daemon is away, perhaps for a restart.
    pub(crate) fn is_outage(&self) -> bool {
        self.may_have_arrived() || matches!(self, Self::Unreachable { .. })
    }
}

/// The errors below a status, outermost first.
pub(super) fn causes(status: &Status) -> Vec<&(dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = status.source();
    while let Some(error) = next {
        causes.push(error);
        next = error.source();
    }
    causes
}
