//! Accepting the deletion of a backup.

use memorystore_proto::{longrunning, v1};
use valkyard_model::{OperationId, Verb};
use valkyard_store::DeleteBackup;

use crate::convert::{backup_name, operation_message, request_key};
use crate::progress::message_when_accepted;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably accepts it; the backup is gone when the keeper has removed its files.
pub(crate) async fn delete(state: &ApiState, request: v1::DeleteBackupRequest) -> Result<longrunning::Operation, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, mut request: v1::DeleteBackupRequest) -> Result<longrunning::Operation, ApiError> {
    let request_id = std::mem::take(&mut request.request_id);
    let key = request_key(&request_id, Verb::Delete, &request)?;
    let name = backup_name("name", &request.name)?;
    let now = state.platform.now();
    let accepted =
        DeleteBackup { name: name.clone(), operation_id: OperationId::new(now, state.platform.random_uuid()), request: key, now };
    let result = state.store.delete_backup(accepted).await;
    let (project, location) = (&name.collection.project, &name.collection.location);
    let operation = result.map_err(|error| ApiError::from_backup(error, project, location))?;
    state.keeper.look_again();
    Ok(operation_message(&operation, message_when_accepted(&operation)))
}
