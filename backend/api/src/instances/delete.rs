//! Accepting a deletion.

use memorystore_proto::{longrunning, v1};
use valkyard_model::{OperationId, Verb};
use valkyard_store::DeleteInstance;

use crate::convert::{instance_name, operation_message, request_key};
use crate::progress::message_when_accepted;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably accepts it; the instance is gone when the reconciler has seen that nothing is left.
pub(crate) async fn delete(state: &ApiState, request: v1::DeleteInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, mut request: v1::DeleteInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    let request_id = std::mem::take(&mut request.request_id);
    let key = request_key(&request_id, Verb::Delete, &request)?;
    let name = instance_name("name", &request.name)?;
    let now = state.platform.now();
    let accepted = DeleteInstance {
        name: name.clone(),
        operation_id: OperationId::new(now, state.platform.random_uuid()),
        request: key,
        now,
    };
    let result = state.store.delete_instance(accepted).await;
    let operation = result.map_err(|error| ApiError::from_delete(error, &name))?;
    state.supervisor.look_again(name).await;
    Ok(operation_message(&operation, message_when_accepted(&operation)))
}
