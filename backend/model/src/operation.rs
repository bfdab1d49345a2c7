//! Long-running operations.

use serde::{Deserialize, Serialize};

use crate::{DesiredInstance, Failure, Generation, InstanceName, OperationId, Timestamp, Uid};

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
}

impl Verb {
    /// The word in `OperationMetadata.verb`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// A row: an accepted request. Whether it is done follows from what was observed since, never from a call that returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What it does.
    pub verb: Verb,
    /// What it does it to.
    pub target: InstanceName,
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
        result: Option<Box<DesiredInstance>>,
    },
    /// It will not.
    Failed {
        /// When this was decided.
        end_time: Timestamp,
        /// Why.
        failure: Failure,
    },
}
