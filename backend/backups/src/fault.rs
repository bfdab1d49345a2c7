//! Errors of stores, taps and files in the terms of a step: what kind of failure it is.

use std::error::Error;
use std::io;

use valkyard_model::FaultKind;

use crate::pipeline::PipelineError;
use crate::store::StoreError;

impl StoreError {
    /// What kind of failure it is.
    #[must_use]
    pub fn fault(&self) -> FaultKind {
        match self {
            Self::Object { source, .. } | Self::Backend { source, .. } => of_object_store(source),
            Self::Folder { source, .. } => of_io(source),
            Self::Url { .. }
            | Self::NoSuchBackup { .. }
            | Self::Foreign { .. }
            | Self::Manifest { .. }
            | Self::ManifestVersion { .. }
            | Self::Damaged(_) => FaultKind::BadData,
            Self::Exists { .. } | Self::Mismatch { .. } | Self::Stopped => FaultKind::Transient,
        }
    }
}

impl PipelineError {
    /// What kind of failure it is. Data that comes from a node is bad only for a moment: it may change.
    #[must_use]
    pub fn fault(&self) -> FaultKind {
        match self {
            Self::Store(error) => error.fault(),
            Self::Write { source, .. } => of_io(source),
            Self::Rdb(_)
            | Self::Unusable { .. }
            | Self::SourcesShare { .. }
            | Self::LibrariesDiffer { .. }
            | Self::TargetsShare { .. } => FaultKind::BadData,
            Self::Tap(_) | Self::Stopped => FaultKind::Transient,
        }
    }
}

fn of_object_store(error: &object_store::Error) -> FaultKind {
    let is_forbidden =
        matches!(error, object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. });
    let is_missing = matches!(error, object_store::Error::NotFound { .. } | object_store::Error::UnknownConfigurationKey { .. });
    if is_forbidden {
        FaultKind::PermissionDenied
    } else if is_missing {
        FaultKind::BadData
    } else {
        cause(error).map_or(FaultKind::Transient, of_io)
    }
}

/// The failure of the local disk beneath, if there is one.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|error| error.downcast_ref())
}

fn of_io(error: &io::Error) -> FaultKind {
    let kind = error.kind();
    if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge) {
        FaultKind::DiskFull
    } else if matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        FaultKind::PermissionDenied
    } else if kind == io::ErrorKind::NotFound {
        FaultKind::BadData
    } else {
        FaultKind::Transient
    }
}
