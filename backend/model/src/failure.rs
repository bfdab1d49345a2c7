//! Why an operation failed, as its client will read it.

use serde::{Deserialize, Serialize};

/// The `google.rpc.Code` of a failed operation; only those that Valkyard gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// 1: the client asked to cancel.
    Cancelled,
    /// 4: it did not converge in time.
    DeadlineExceeded,
    /// 8: memory, disk, addresses or ports are used up.
    ResourceExhausted,
    /// 9: the machine is not in the state the operation needs.
    FailedPrecondition,
    /// 10: overtaken by another operation, such as a delete during a create.
    Aborted,
    /// 13: something broke that should not.
    Internal,
}

/// A failed operation's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The code.
    pub code: FailureCode,
    /// What was attempted, why not, what to do.
    pub message: String,
}
