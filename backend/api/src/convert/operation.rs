//! An operation as clients see it. `done` is absent until it has finished.

use memorystore_proto::longrunning::operation::Result as Outcome;
use memorystore_proto::{longrunning, pack, rpc, v1};
use valkyard_model::{Failure, Operation, OperationName, OperationResult, OperationState};

use super::backup::backup_message;
use super::instance::instance_message;
use super::time::timestamp_message;
use crate::ErrorCode;

const API_VERSION: &str = "v1";

/// The whole message; `status_message` is what it waits for, empty once it has finished.
pub(crate) fn operation_message(operation: &Operation, status_message: String) -> longrunning::Operation {
    let target = &operation.target;
    let name =
        OperationName { project: target.project().clone(), location: target.location().clone(), operation: operation.id.clone() };
    let (end_time, result) = match &operation.state {
        OperationState::Running => (None, None),
        OperationState::Succeeded { end_time, result } => {
            (Some(*end_time), Some(Outcome::Response(result_message(result.as_ref()))))
        }
        OperationState::Failed { end_time, failure } => (Some(*end_time), Some(Outcome::Error(failure_message(failure)))),
    };
    let metadata = v1::OperationMetadata {
        create_time: Some(timestamp_message(operation.create_time)),
        end_time: end_time.map(timestamp_message),
        target: target.to_string(),
        verb: operation.verb.as_str().to_owned(),
        status_message,
        requested_cancellation: operation.cancel_requested,
        api_version: API_VERSION.to_owned(),
    };
    longrunning::Operation { name: name.to_string(), metadata: Some(pack(&metadata)), done: result.is_some(), result }
}

/// What it made of its target; nothing is left after a deletion.
fn result_message(result: Option<&OperationResult>) -> prost_types::Any {
    match result {
        None => pack(&()),
        Some(OperationResult::Instance(instance)) => pack(&instance_message(instance)),
        Some(OperationResult::Backup(backup)) => pack(&backup_message(backup)),
    }
}

fn failure_message(failure: &Failure) -> rpc::Status {
    rpc::Status { code: ErrorCode::from(failure.code).number(), message: failure.message.clone(), details: Vec::new() }
}
