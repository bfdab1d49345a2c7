//! Long-running operations: reading them, forgetting finished ones, asking to cancel. Whether one is done was recorded by
//! the reconciler or the keeper; a read only adds what a running one waits for.

use memorystore_proto::longrunning;
use valkyard_model::{Operation, OperationName, OperationTarget};

use crate::convert::{Parent, operation_message};
use crate::paging::{PageKey, page_size};
use crate::progress::Progress;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// One operation.
pub(crate) async fn get(state: &ApiState, request: longrunning::GetOperationRequest) -> Result<longrunning::Operation, ApiError> {
    let (_, operation) = find(state, &request.name).await?;
    Ok(message(state, &operation).await)
}

/// One page of operations, oldest first.
pub(crate) async fn list(
    state: &ApiState,
    request: longrunning::ListOperationsRequest,
) -> Result<longrunning::ListOperationsResponse, ApiError> {
    let scope = Parent::scope("name", &request.name)?;
    let limit = page_size(request.page_size)?;
    if !request.filter.is_empty() {
        return Err(ApiError::invalid("filter", "lists of operations have no filters here; leave it out"));
    }
    let after = PageKey::from_token(&request.page_token)?.map(PageKey::operation).transpose()?;
    let mut found = state.store.operations(&scope, after, limit + 1).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| has_more);
    let next_page_token = last.map(|last| PageKey::Operation(last.id.clone()).token()).unwrap_or_default();
    let mut operations = Vec::with_capacity(found.len());
    for operation in &found {
        operations.push(message(state, operation).await);
    }
    Ok(longrunning::ListOperationsResponse { operations, next_page_token, unreachable: Vec::new() })
}

/// Forgets a finished operation.
pub(crate) async fn delete(state: &ApiState, request: longrunning::DeleteOperationRequest) -> Result<(), ApiError> {
    let (name, operation) = find(state, &request.name).await?;
    let result = state.store.delete_operation(&operation.id).await;
    result.map_err(|error| ApiError::from_operation(error, &name))
}

/// Notes the wish to cancel; a running creation, change of nodes, backup, export or verification is given up. Asking again, or
/// too late, changes nothing.
pub(crate) async fn cancel(state: &ApiState, request: longrunning::CancelOperationRequest) -> Result<(), ApiError> {
    to_its_end(note_cancel(state.clone(), request)).await
}

async fn note_cancel(state: ApiState, request: longrunning::CancelOperationRequest) -> Result<(), ApiError> {
    let (name, operation) = find(&state, &request.name).await?;
    let result = state.store.request_cancel(&operation.id, state.platform.now()).await;
    result.map_err(|error| ApiError::from_operation(error, &name))?;
    if let OperationTarget::Instance(instance) = operation.target {
        state.supervisor.look_again(instance).await;
    }
    state.keeper.look_again();
    Ok(())
}

/// The operation with this name.
pub(crate) async fn find(state: &ApiState, text: &str) -> Result<(OperationName, Operation), ApiError> {
    let name: OperationName =
        text.parse().map_err(|error: valkyard_model::NameError| ApiError::invalid("name", error.to_string()))?;
    let found = state.store.operation(&name.operation).await?;
    let is_here = |operation: &Operation| {
        let target = &operation.target;
        (target.project(), target.location()) == (&name.project, &name.location)
    };
    match found.filter(is_here) {
        Some(operation) => Ok((name, operation)),
        None => Err(ApiError::NotFound { name: name.to_string() }),
    }
}

async fn message(state: &ApiState, operation: &Operation) -> longrunning::Operation {
    operation_message(operation, Progress::of(state, operation).await.message)
}
