//! Why a request about a backup is refused, beyond what every API refuses.

use valkyard_model::{BackupName, InstanceName};

use crate::ErrorCode;

/// A refusal, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BackupRefusal {
    /// Somebody needs the backup.
    #[error("'{name}' cannot be deleted: it is in use by {}; wait for them, or delete or cancel them", Quoted(users))]
    InUse {
        /// The backup.
        name: BackupName,
        /// Full names of instances and operations.
        users: Vec<String>,
    },
    /// It is not complete.
    #[error("'{name}' is being made or deleted; only a backup with state ACTIVE can be restored, exported or verified")]
    NotActive {
        /// The backup.
        name: BackupName,
    },
    /// There is nothing to back up yet, or no more.
    #[error("'{name}' is being created or deleted; an instance can be backed up once it has been ACTIVE")]
    InstanceNotReady {
        /// The instance.
        name: InstanceName,
    },
}

impl BackupRefusal {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::InUse { .. } | Self::NotActive { .. } | Self::InstanceNotReady { .. } => ErrorCode::FailedPrecondition,
        }
    }
}

struct Quoted<'a>(&'a [String]);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}'{name}'")?;
        }
        Ok(())
    }
}
