//! Every way a request can be refused, and the two forms in which a client learns of it: a gRPC status with
//! `google.rpc` details, and REST's `{"error": ...}`. Invariant: both forms carry the same code, message and details. The
//! texts are read by people and, where a constant says so, by clients; pages in `docs/errors` explain the codes.

mod code;
mod of_store;

use std::error::Error;
use std::fmt;
use std::net::SocketAddrV4;

use http::{Method, StatusCode};
use memorystore_proto::json::JsonError;
use memorystore_proto::{pack, rpc};
use prost::Message;
use valkyard_model::{EngineVersion, FieldViolation, InstanceName, OperationName, RequestId};

pub use code::ErrorCode;

use valkyard_store::RoleRefusal;

use crate::admin::AdminError;
use crate::backups::BackupRefusal;
use crate::instances::DataDoesNotFit;

/// Clients (Google's Terraform provider) repeat a request refused with 409 when its body has this word.
const OPERATION_IN_PROGRESS: &str = "operationInProgress";
/// The domain of `ErrorInfo`: whose reasons these are.
const ERROR_DOMAIN: &str = "memorystore.googleapis.com";

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Fields break rules.
    #[error("{}", Listed(.0))]
    Invalid(Vec<FieldViolation>),
    /// The body is not JSON.
    #[error("the request body is not JSON: line {line}, column {column}: {reason}")]
    MalformedBody {
        /// Line of the offending character.
        line: usize,
        /// Column of the offending character.
        column: usize,
        /// What the parser met.
        reason: String,
    },
    /// The body could not be read off the connection.
    #[error("the request body cannot be read")]
    UnreadableBody(#[source] Box<dyn Error + Send + Sync>),
    /// The body is too large.
    #[error("the request body is larger than {limit_bytes} bytes")]
    BodyTooLarge {
        /// The most that is read.
        limit_bytes: usize,
    },
    /// No such resource.
    #[error("Resource '{name}' was not found")]
    NotFound {
        /// Its full name.
        name: String,
    },
    /// No such REST path.
    #[error("there is nothing at path {path}; the API begins at /v1/")]
    UnknownPath {
        /// The path.
        path: String,
    },
    /// The path exists for other methods.
    #[error("method {method} is not for path {path}; allowed: {allowed}")]
    MethodNotAllowed {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The methods it has, joined by commas.
        allowed: String,
    },
    /// The name is taken.
    #[error("Resource '{name}' already exists")]
    AlreadyExists {
        /// The full name.
        name: String,
    },
    /// A request id came again with other content.
    #[error("request id {id} was used within the last day for a request with other content; repeat that one or send a new id")]
    RequestReused {
        /// The id.
        id: RequestId,
    },
    /// Another operation on the same resource has to finish first.
    #[error("operation '{operation}' is unfinished; wait for it and try again")]
    OperationInProgress {
        /// That operation.
        operation: OperationName,
    },
    /// A change of nodes was asked for while the instance goes back from another.
    #[error(
        "'{name}' is going back to what it was before its last change, which was cancelled or given up; wait until it is there and try again"
    )]
    GoingBack {
        /// The instance.
        name: InstanceName,
    },
    /// Others changed the instance each time this request was about to.
    #[error("'{name}' keeps changing meanwhile; try again")]
    Contended {
        /// The instance.
        name: InstanceName,
    },
    /// Its deletion protection is on. The text is the one clients know.
    #[error(
        "The instance is deletion protected. Please disable deletion protection to delete the instance. To disable, update DeleteProtectionEnabled to false via the Update API"
    )]
    DeletionProtected,
    /// Others follow it. The beginning of the text is the one clients know.
    #[error("Primary instance '{name}' cannot be deleted because it still has secondary instances; detach or delete those first")]
    HasSecondaries {
        /// The instance.
        name: InstanceName,
    },
    /// Its part in a replication does not allow it.
    #[error(transparent)]
    Role(Box<RoleRefusal>),
    /// Only finished operations can be deleted.
    #[error("operation '{operation}' is unfinished; wait for it or cancel it, then delete it")]
    OperationUnfinished {
        /// The operation.
        operation: OperationName,
    },
    /// Every address of the machine is taken. Not RESOURCE_EXHAUSTED: clients repeat that for as long as an hour.
    #[error("all {in_use} instance addresses of this machine are in use; delete an instance first")]
    AddressesExhausted {
        /// How many there are.
        in_use: u32,
    },
    /// Other programs have every address that was tried.
    #[error(
        "no address for the instance: other programs listen on all {tried} that were tried, {first} to {last}; end them, or give the daemon another data folder, which may have other addresses"
    )]
    AddressesOccupied {
        /// How many were tried.
        tried: u32,
        /// The lowest.
        first: SocketAddrV4,
        /// The highest.
        last: SocketAddrV4,
    },
    /// A web page sent it.
    #[error("requests from web pages are refused; this one came from {origin}")]
    FromWebPage {
        /// The page's origin, as the browser names it.
        origin: String,
    },
    /// It was sent to a name that is not this machine's own.
    #[error("requests must be addressed to a loopback address or localhost, not to {host}")]
    ForeignHost {
        /// What it was sent to.
        host: String,
    },
    /// Engine versions only go up.
    #[error(
        "instance.engine_version: '{name}' has {from} and cannot go down to {to}: an older engine does not read the data formats of a newer one, so the data would be lost; leave the version as it is, or create another instance with {to} and copy what it can take"
    )]
    VersionDowngrade {
        /// The instance.
        name: InstanceName,
        /// Its version.
        from: EngineVersion,
        /// The version asked for.
        to: EngineVersion,
    },
    /// A change to nodes that cannot hold the data.
    #[error(transparent)]
    DataDoesNotFit(Box<DataDoesNotFit>),
    /// The disk of the data folder is full. Not RESOURCE_EXHAUSTED either.
    #[error(
        "the request was not accepted: the disk that holds the daemon's data folder is full; free space there, or delete an instance, then send it again"
    )]
    DiskFull,
    /// The API has it, this version of Valkyard does not.
    #[error("{what}")]
    NotInThisVersion {
        /// A sentence that names it.
        what: String,
    },
    /// The backup, or its instance, does not allow it.
    #[error(transparent)]
    Backup(Box<BackupRefusal>),
    /// The administration API refuses it.
    #[error(transparent)]
    Admin(Box<AdminError>),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
    /// Something broke that should not.
    #[error("the daemon failed to answer")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl ApiError {
    /// One field that breaks a rule.
    pub(crate) fn invalid(field: &str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, description)])
    }

    /// What is wrong with JSON that was to become the field `prefix` of a request (nothing for the whole request).
    pub(crate) fn from_json(error: JsonError, prefix: &str) -> Self {
        match error {
            JsonError::Malformed { line, column, reason } => Self::MalformedBody { line, column, reason },
            JsonError::Fields(problems) => {
                let join = |path: &str| match (prefix.is_empty(), path.is_empty()) {
                    (false, false) => format!("{prefix}.{path}"),
                    (false, true) => prefix.to_owned(),
                    (true, _) => path.to_owned(),
                };
                let violation = |problem: memorystore_proto::json::FieldProblem| {
                    FieldViolation::new(&join(&problem.path), problem.kind.to_string())
                };
                Self::Invalid(problems.into_iter().map(violation).collect())
            }
            JsonError::Unreadable { source } => Self::invalid(prefix, source.to_string()),
        }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_)
            | Self::MalformedBody { .. }
            | Self::UnreadableBody(_)
            | Self::BodyTooLarge { .. }
            | Self::RequestReused { .. } => ErrorCode::InvalidArgument,
            Self::NotFound { .. } | Self::UnknownPath { .. } => ErrorCode::NotFound,
            Self::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Self::OperationInProgress { .. } | Self::GoingBack { .. } | Self::Contended { .. } => ErrorCode::Aborted,
            Self::DeletionProtected
            | Self::HasSecondaries { .. }
            | Self::Role(_)
            | Self::OperationUnfinished { .. }
            | Self::AddressesExhausted { .. }
            | Self::AddressesOccupied { .. }
            | Self::VersionDowngrade { .. }
            | Self::DataDoesNotFit(_)
            | Self::DiskFull => ErrorCode::FailedPrecondition,
            Self::FromWebPage { .. } | Self::ForeignHost { .. } => ErrorCode::PermissionDenied,
            Self::MethodNotAllowed { .. } | Self::NotInThisVersion { .. } => ErrorCode::Unimplemented,
            Self::Backup(refusal) => refusal.code(),
            Self::Admin(error) => error.code(),
            Self::Stopping => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// Its HTTP status: the code's, but for what HTTP itself has words for.
    #[must_use]
    pub fn http_status(&self) -> StatusCode {
        match self {
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_)
            | Self::MalformedBody { .. }
            | Self::UnreadableBody(_)
            | Self::NotFound { .. }
            | Self::UnknownPath { .. }
            | Self::AlreadyExists { .. }
            | Self::RequestReused { .. }
            | Self::OperationInProgress { .. }
            | Self::GoingBack { .. }
            | Self::Contended { .. }
            | Self::DeletionProtected
            | Self::HasSecondaries { .. }
            | Self::Role(_)
            | Self::OperationUnfinished { .. }
            | Self::AddressesExhausted { .. }
            | Self::AddressesOccupied { .. }
            | Self::VersionDowngrade { .. }
            | Self::DataDoesNotFit(_)
            | Self::FromWebPage { .. }
            | Self::ForeignHost { .. }
            | Self::DiskFull
            | Self::NotInThisVersion { .. }
            | Self::Backup(_)
            | Self::Admin(_)
            | Self::Stopping
            | Self::Internal(_) => self.code().http(),
        }
    }

    /// The methods that would have been right, joined by commas.
    pub(crate) fn allowed_methods(&self) -> Option<&str> {
        if let Self::MethodNotAllowed { allowed, .. } = self { Some(allowed) } else { None }
    }

    /// The message, code and details as clients of either transport see them.
    #[must_use]
    pub fn status(&self) -> rpc::Status {
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        rpc::Status { code: self.code().number(), message, details: self.details() }
    }

    fn details(&self) -> Vec<prost_types::Any> {
        match self {
            Self::Invalid(violations) => {
                let violation = |v: &FieldViolation| rpc::bad_request::FieldViolation {
                    field: v.field.clone(),
                    description: v.description.clone(),
                    reason: String::new(),
                };
                vec![pack(&rpc::BadRequest { field_violations: violations.iter().map(violation).collect() })]
            }
            Self::OperationInProgress { operation } => vec![in_progress(&operation.to_string())],
            Self::GoingBack { name } | Self::Contended { name } => vec![in_progress(&name.to_string())],
            Self::MalformedBody { .. }
            | Self::UnreadableBody(_)
            | Self::BodyTooLarge { .. }
            | Self::NotFound { .. }
            | Self::UnknownPath { .. }
            | Self::MethodNotAllowed { .. }
            | Self::AlreadyExists { .. }
            | Self::RequestReused { .. }
            | Self::DeletionProtected
            | Self::HasSecondaries { .. }
            | Self::Role(_)
            | Self::OperationUnfinished { .. }
            | Self::AddressesExhausted { .. }
            | Self::AddressesOccupied { .. }
            | Self::VersionDowngrade { .. }
            | Self::DataDoesNotFit(_)
            | Self::FromWebPage { .. }
            | Self::ForeignHost { .. }
            | Self::DiskFull
            | Self::NotInThisVersion { .. }
            | Self::Backup(_)
            | Self::Admin(_)
            | Self::Stopping
            | Self::Internal(_) => Vec::new(),
        }
    }
}

fn in_progress(resource: &str) -> prost_types::Any {
    pack(&rpc::ErrorInfo {
        reason: OPERATION_IN_PROGRESS.to_owned(),
        domain: ERROR_DOMAIN.to_owned(),
        metadata: [("resource".to_owned(), resource.to_owned())].into(),
    })
}

struct Listed<'a>(&'a [FieldViolation]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            if violation.field.is_empty() {
                f.write_str(&violation.description)?;
            } else {
                write!(f, "{}: {}", violation.field, violation.description)?;
            }
        }
        Ok(())
    }
}

impl From<BackupRefusal> for ApiError {
    fn from(refusal: BackupRefusal) -> Self {
        Self::Backup(Box::new(refusal))
    }
}

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        Self::Admin(Box::new(error))
    }
}

impl From<ApiError> for tonic::Status {
    fn from(error: ApiError) -> Self {
        log(&error);
        let status = error.status();
        let details = status.encode_to_vec().into();
        Self::with_details(error.code().into(), status.message, details)
    }
}

/// Logs an error that a person must look at; everything else is its client's business.
pub(crate) fn log(error: &ApiError) {
    if error.code() == ErrorCode::Internal || matches!(error, ApiError::DiskFull) {
        tracing::error!(cause = error.status().message, "a request failed");
    }
}
