//! Where an operation stands, as the administration API tells it.

use admin_proto::v1::{GetOperationProgressRequest, OperationBytes, OperationProgress};
use valkyard_keeper::Moved;
use valkyard_model::{Operation, OperationState};

use super::node_message::whole;
use crate::convert::timestamp_message;
use crate::progress::Progress;
use crate::{ApiError, ApiState, ErrorCode, operations};

/// Where an operation stands at this moment.
pub(crate) async fn get_operation_progress(
    state: &ApiState,
    request: GetOperationProgressRequest,
) -> Result<OperationProgress, ApiError> {
    operation_progress(state, &request.name).await
}

pub(super) async fn operation_progress(state: &ApiState, name: &str) -> Result<OperationProgress, ApiError> {
    let (name, operation) = operations::find(state, name).await?;
    let Progress { steps, moved, .. } = Progress::of(state, &operation).await;
    let (done, error, error_code) = outcome(&operation);
    Ok(OperationProgress {
        name: name.to_string(),
        verb: operation.verb.as_str().to_owned(),
        target: operation.target.to_string(),
        time: Some(timestamp_message(state.platform.now())),
        steps,
        done,
        error,
        error_code,
        moved: moved.map(bytes_message),
    })
}

fn bytes_message(moved: Moved) -> OperationBytes {
    OperationBytes {
        bytes: whole(moved.bytes),
        bytes_total: whole(moved.bytes_total),
        keys: whole(moved.keys),
        keys_total: whole(moved.keys_total),
    }
}

fn outcome(operation: &Operation) -> (bool, String, i32) {
    match &operation.state {
        OperationState::Running => (false, String::new(), 0),
        OperationState::Succeeded { .. } => (true, String::new(), 0),
        OperationState::Failed { failure, .. } => (true, failure.message.clone(), ErrorCode::from(failure.code).number()),
    }
}
