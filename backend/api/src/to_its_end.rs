//! Requests that change something are carried out to their end, whatever their client does.
//!
//! The server drops the handler of a request whose connection has closed. Between accepting a write and waking the loop of its
//! instance that would leave an accepted operation that nothing works on until the loop's next look by itself. So each such
//! request is one task, of which the handler only awaits the outcome.

use std::future::Future;

use tracing::Instrument as _;

use crate::ApiError;

/// Carries out a request in a task of its own. Dropped midway, only the answer is lost: the task ends by itself, as all it
/// waits for are the store and the supervisor, and the store's threads outlive it.
pub(crate) async fn to_its_end<T, F>(request: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    match tokio::spawn(request.in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_runtime_has_ended) => Err(ApiError::Stopping),
        },
    }
}
