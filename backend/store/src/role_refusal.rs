//! Why the part of an instance in a replication is not changed.

use valkyard_model::{InstanceName, OperationId, SECONDARIES_MAX};

use crate::error::DatabaseError;

/// A refusal; nothing was changed on any member.
#[derive(Debug, thiserror::Error)]
pub enum RoleRefusal {
    /// The primary is not there.
    #[error("primary instance '{name}' was not found")]
    NoPrimary {
        /// Its name.
        name: InstanceName,
    },
    /// The primary, or the member to be detached, is being created or deleted.
    #[error("'{name}' is being created or deleted; a replication takes instances in and lets them go once they have been ACTIVE")]
    NotReady {
        /// Its name.
        name: InstanceName,
    },
    /// The primary follows another instance: a chain, or a loop.
    #[error("'{name}' is a secondary instance itself, and a secondary follows a primary directly; name '{primary}' instead")]
    IsSecondary {
        /// Its name.
        name: InstanceName,
        /// Whom it follows.
        primary: Box<InstanceName>,
    },
    /// The primary has as many secondaries as it may have.
    #[error(
        "primary instance '{name}' has {SECONDARIES_MAX} secondary instances already, the most there can be; detach one first"
    )]
    TooMany {
        /// Its name.
        name: InstanceName,
    },
    /// The primary is being changed.
    #[error("operation {operation} of '{name}' is unfinished")]
    Busy {
        /// The primary.
        name: InstanceName,
        /// The operation.
        operation: OperationId,
    },
    /// The primary changed since its spec was copied.
    #[error("'{name}' changed meanwhile")]
    Changed {
        /// Its name.
        name: InstanceName,
    },
    /// The one to be detached does not follow.
    #[error("'{name}' is no secondary instance of this replication")]
    NotFollowing {
        /// Its name.
        name: InstanceName,
    },
    /// A member is in the middle of a switchover.
    #[error("a switchover of '{name}' is under way; try again when it is over")]
    SwitchingOver {
        /// Its name.
        name: InstanceName,
    },
    /// A member is not at rest.
    #[error("'{name}' is on its way back from a change, or gets data of its primary anew; try again when it is ACTIVE")]
    Restless {
        /// Its name.
        name: InstanceName,
    },
    /// The database failed.
    #[error("failed to record the replication")]
    Database(#[from] DatabaseError),
}
