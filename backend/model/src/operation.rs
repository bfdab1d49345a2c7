//! Long-running operations.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Backup, BackupName, DesiredInstance, Failure, Generation, InstanceName, LocationId, OperationId, ProjectId, Timestamp, Uid,
};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Creates the target.
    Create,
    /// Changes the target.
    Update,
    /// Removes the target.
    Delete,
    /// Makes a backup of the target.
    Backup,
    /// Copies the target to another store.
    Export,
    /// Restores the target into a scratch instance and compares.
    Verify,
}

impl Verb {
    /// The word in `OperationMetadata.verb`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Backup => "backup",
            Self::Export => "export",
            Self::Verify => "verify",
        }
    }
}

/// What an operation works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationTarget {
    /// An instance.
    Instance(InstanceName),
    /// A backup.
    Backup(BackupName),
}

impl OperationTarget {
    /// The project of the target.
    #[must_use]
    pub fn project(&self) -> &ProjectId {
        match self {
            Self::Instance(name) => &name.project,
            Self::Backup(name) => &name.collection.project,
        }
    }

    /// The region of the target.
    #[must_use]
    pub fn location(&self) -> &LocationId {
        match self {
            Self::Instance(name) => &name.location,
            Self::Backup(name) => &name.collection.location,
        }
    }

    /// The instance, if it is one.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceName> {
        match self {
            Self::Instance(name) => Some(name),
            Self::Backup(_) => None,
        }
    }
}

impl fmt::Display for OperationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => name.fmt(f),
            Self::Backup(name) => name.fmt(f),
        }
    }
}

/// The target of an operation at the moment it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationResult {
    /// An instance.
    Instance(Box<DesiredInstance>),
    /// A backup.
    Backup(Box<Backup>),
}

/// A row: an accepted request. Whether it is done follows from what was observed since, never from a call that returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What it does.
    pub verb: Verb,
    /// What it does it to.
    pub target: OperationTarget,
    /// The incarnation of the target.
    pub target_uid: Uid,
    /// The generation that carries the request.
    pub generation: Generation,
    /// When it was accepted.
    pub create_time: Timestamp,
    /// Whether its client asked to cancel it.
    pub cancel_requested: bool,
    /// Where it stands.
    pub state: OperationState,
}

/// Where an operation stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OperationState {
    /// The target has not converged at the operation's generation.
    Running,
    /// It did.
    Succeeded {
        /// When.
        end_time: Timestamp,
        /// The target at that moment; nothing for a delete.
        result: Option<OperationResult>,
    },
    /// It will not.
    Failed {
        /// When this was decided.
        end_time: Timestamp,
        /// Why.
        failure: Failure,
    },
}
