//! Errors of store, engine and host in the terms of a step: what kind of failure, and the story.

use std::error::Error;

use valkyard_engine::LinkError;
use valkyard_host::{FilesError, ForwarderError, SignalError, SpawnError};
use valkyard_model::{EngineVersion, FaultKind};
use valkyard_store::{DatabaseError, ProgressError};

use crate::world::StepError;

/// No build of the wanted version is installed any more.
#[derive(Debug, thiserror::Error)]
#[error("no valkey-server of {version} can be started on this machine: {hint}")]
pub(super) struct EngineMissing {
    pub(super) version: EngineVersion,
    pub(super) hint: String,
}

fn step_error(kind: FaultKind, source: impl Error + Send + Sync + 'static) -> StepError {
    StepError { kind, source: Box::new(source) }
}

impl From<EngineMissing> for StepError {
    fn from(error: EngineMissing) -> Self {
        step_error(FaultKind::EngineMissing, error)
    }
}

impl From<ProgressError> for StepError {
    fn from(error: ProgressError) -> Self {
        let is_disk_full = matches!(&error, ProgressError::Database(DatabaseError::DiskFull(_)));
        step_error(if is_disk_full { FaultKind::DiskFull } else { FaultKind::Transient }, error)
    }
}

pub(super) fn kind_of_files(error: &FilesError) -> FaultKind {
    match error {
        FilesError::DiskFull { .. } => FaultKind::DiskFull,
        FilesError::PermissionDenied { .. } => FaultKind::PermissionDenied,
        FilesError::Other { .. } => FaultKind::Transient,
    }
}

impl From<FilesError> for StepError {
    fn from(error: FilesError) -> Self {
        step_error(kind_of_files(&error), error)
    }
}

impl From<SpawnError> for StepError {
    fn from(error: SpawnError) -> Self {
        let kind = match &error {
            SpawnError::AddressInUse { .. } => FaultKind::AddressInUse,
            SpawnError::NotExecutable { .. } => FaultKind::EngineMissing,
            SpawnError::Files(error) => kind_of_files(error),
            SpawnError::AlreadyRunning { .. } | SpawnError::AddressUnusable { .. } | SpawnError::Start { .. } => {
                FaultKind::Transient
            }
        };
        step_error(kind, error)
    }
}

impl From<ForwarderError> for StepError {
    fn from(error: ForwarderError) -> Self {
        let kind = match &error {
            ForwarderError::AddressInUse { .. } => FaultKind::AddressInUse,
            ForwarderError::Listen { .. } => FaultKind::Transient,
        };
        step_error(kind, error)
    }
}

impl From<SignalError> for StepError {
    fn from(error: SignalError) -> Self {
        step_error(FaultKind::Transient, error)
    }
}

impl From<LinkError> for StepError {
    fn from(error: LinkError) -> Self {
        step_error(FaultKind::Transient, error)
    }
}
