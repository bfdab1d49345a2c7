//! An operation's progress as it happens.

use std::pin::Pin;
use std::time::Duration;

use admin_proto::v1::{OperationProgress, WatchOperationRequest};
use futures::{Stream, stream};
use valkyard_model::{Operation, OperationState};

use crate::convert::timestamp_message;
use crate::waiting::{steps, waits_for_loop};
use crate::{ApiError, ApiState, ErrorCode, operations};

/// Gap between two looks at an operation: people read no faster, and a look is one small query.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The answers to one watch.
pub(crate) type Progress = Pin<Box<dyn Stream<Item = Result<OperationProgress, ApiError>> + Send>>;

struct Watch {
    state: ApiState,
    name: String,
    last: Option<OperationProgress>,
    /// Whether the last answer was the last one.
    is_over: bool,
}

/// Answers at once with where it stands, then at each change; ends when the operation does. Holds nothing while dropped.
pub(crate) async fn watch_operation(state: &ApiState, request: WatchOperationRequest) -> Result<Progress, ApiError> {
    let name = operations::find(state, &request.name).await?.0.to_string();
    let watch = Watch { state: state.clone(), name, last: None, is_over: false };
    Ok(Box::pin(stream::unfold(watch, next)))
}

async fn next(mut watch: Watch) -> Option<(Result<OperationProgress, ApiError>, Watch)> {
    if watch.is_over {
        return None;
    }
    loop {
        match look(&watch).await {
            Err(error) => {
                watch.is_over = true;
                return Some((Err(error), watch));
            }
            Ok(progress) if watch.last.as_ref().is_none_or(|last| is_news(last, &progress)) => {
                watch.is_over = progress.done;
                watch.last = Some(progress.clone());
                return Some((Ok(progress), watch));
            }
            Ok(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

fn is_news(last: &OperationProgress, now: &OperationProgress) -> bool {
    (last.done, &last.steps) != (now.done, &now.steps)
}

async fn look(watch: &Watch) -> Result<OperationProgress, ApiError> {
    let (_, operation) = operations::find(&watch.state, &watch.name).await?;
    let view = match waits_for_loop(&operation) {
        true => watch.state.supervisor.view(operation.target.clone()).await,
        false => None,
    };
    let (done, error, error_code) = outcome(&operation);
    Ok(OperationProgress {
        name: watch.name.clone(),
        verb: operation.verb.as_str().to_owned(),
        target: operation.target.to_string(),
        time: Some(timestamp_message(watch.state.platform.now())),
        steps: steps(&operation, view.as_ref()),
        done,
        error,
        error_code,
    })
}

fn outcome(operation: &Operation) -> (bool, String, i32) {
    match &operation.state {
        OperationState::Running => (false, String::new(), 0),
        OperationState::Succeeded { .. } => (true, String::new(), 0),
        OperationState::Failed { failure, .. } => (true, failure.message.clone(), ErrorCode::from(failure.code).number()),
    }
}
