//! What the store's refusals are to a client.

use valkyard_model::{InstanceName, LocationId, OperationName, ProjectId};
use valkyard_store::{BackupError, CreateError, DatabaseError, DeleteError, OperationError, RoleRefusal, UpdateError};

use super::ApiError;
use crate::backups::BackupRefusal;

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Closed => Self::Stopping,
            DatabaseError::DiskFull(_) => Self::DiskFull,
            error @ (DatabaseError::Sql(_) | DatabaseError::Unreadable { .. }) => Self::Internal(error.into()),
        }
    }
}

/// The name of an operation on this instance.
fn operation_of(name: &InstanceName, operation: valkyard_model::OperationId) -> OperationName {
    OperationName { project: name.project.clone(), location: name.location.clone(), operation }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::AlreadyExists { name } => Self::AlreadyExists { name: name.to_string() },
            CreateError::NoBackup { name } => BackupRefusal::NotActive { name }.into(),
            CreateError::Role(refusal) => refusal.into(),
            CreateError::AddressesExhausted { in_use } => Self::AddressesExhausted { in_use },
            CreateError::AddressesOccupied { tried, first, last } => Self::AddressesOccupied { tried, first, last },
            CreateError::RequestReused { id } => Self::RequestReused { id },
            CreateError::Database(error) => error.into(),
        }
    }
}

impl From<RoleRefusal> for ApiError {
    fn from(refusal: RoleRefusal) -> Self {
        match refusal {
            RoleRefusal::NoPrimary { name } => Self::NotFound { name: name.to_string() },
            RoleRefusal::Busy { name, operation } => Self::OperationInProgress { operation: operation_of(&name, operation) },
            RoleRefusal::Changed { name } => Self::Contended { name },
            RoleRefusal::Database(error) => error.into(),
            refusal @ (RoleRefusal::NotReady { .. }
            | RoleRefusal::IsSecondary { .. }
            | RoleRefusal::TooMany { .. }
            | RoleRefusal::SwitchingOver { .. }
            | RoleRefusal::Restless { .. }
            | RoleRefusal::NotFollowing { .. }) => Self::Role(Box::new(refusal)),
        }
    }
}

impl ApiError {
    /// Why an instance was not changed.
    pub(crate) fn from_update(error: UpdateError, name: &InstanceName) -> Self {
        match error {
            UpdateError::NotFound { name } => Self::NotFound { name: name.to_string() },
            UpdateError::Conflict { .. } => Self::Contended { name: name.clone() },
            UpdateError::Busy { operation } => Self::OperationInProgress { operation: operation_of(name, operation) },
            UpdateError::Role(refusal) => refusal.into(),
            UpdateError::GoingBack => Self::GoingBack { name: name.clone() },
            UpdateError::RequestReused { id } => Self::RequestReused { id },
            UpdateError::Database(error) => error.into(),
        }
    }

    /// Why an instance was not deleted.
    pub(crate) fn from_delete(error: DeleteError, name: &InstanceName) -> Self {
        match error {
            DeleteError::NotFound { name } => Self::NotFound { name: name.to_string() },
            DeleteError::Protected { .. } => Self::DeletionProtected,
            DeleteError::HasSecondaries { name } => Self::HasSecondaries { name },
            DeleteError::AlreadyDeleting { operation } => Self::OperationInProgress { operation: operation_of(name, operation) },
            DeleteError::RequestReused { id } => Self::RequestReused { id },
            DeleteError::Database(error) => error.into(),
        }
    }

    /// Why something about a backup was not accepted; its operations are named by its place.
    pub(crate) fn from_backup(error: BackupError, project: &ProjectId, location: &LocationId) -> Self {
        match error {
            BackupError::NotFound { name } => Self::NotFound { name },
            BackupError::AlreadyExists { name } => Self::AlreadyExists { name: name.to_string() },
            BackupError::InstanceNotReady { name } => BackupRefusal::InstanceNotReady { name }.into(),
            BackupError::GoingBack { name } => Self::GoingBack { name },
            BackupError::Busy { operation } => Self::OperationInProgress {
                operation: OperationName { project: project.clone(), location: location.clone(), operation },
            },
            BackupError::InUse { name, users } => BackupRefusal::InUse { name, users }.into(),
            BackupError::NotActive { name } => BackupRefusal::NotActive { name }.into(),
            BackupError::RequestReused { id } => Self::RequestReused { id },
            BackupError::Database(error) => error.into(),
        }
    }

    /// Why an operation was not deleted or cancelled.
    pub(crate) fn from_operation(error: OperationError, name: &OperationName) -> Self {
        match error {
            OperationError::NotFound { .. } => Self::NotFound { name: name.to_string() },
            OperationError::Running { .. } => Self::OperationUnfinished { operation: name.clone() },
            OperationError::Database(error) => error.into(),
        }
    }
}
