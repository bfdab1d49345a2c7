//! An operation's progress as it happens.

use std::pin::Pin;
use std::time::Duration;

use admin_proto::v1::{OperationProgress, WatchOperationRequest};
use futures::{Stream, stream};

use super::operation_progress::operation_progress;
use crate::{ApiError, ApiState, operations};

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
        match operation_progress(&watch.state, &watch.name).await {
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
    (last.done, &last.steps, &last.moved) != (now.done, &now.steps, &now.moved)
}
