//! Having a backup proved.

use admin_proto::v1::{VerifyBackupRequest, VerifyBackupResponse};
use valkyard_model::{OperationId, OperationName, scratch_name};
use valkyard_store::VerifyBackup;

use crate::convert::backup_name;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably accepts it; the keeper restores the backup into a scratch instance and compares.
pub(crate) async fn verify_backup(state: &ApiState, request: VerifyBackupRequest) -> Result<VerifyBackupResponse, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, request: VerifyBackupRequest) -> Result<VerifyBackupResponse, ApiError> {
    let name = backup_name("name", &request.name)?;
    let platform = &state.platform;
    let now = platform.now();
    let accepted = VerifyBackup {
        scratch: scratch_name(&name.collection.location, platform.random_uuid()),
        name: name.clone(),
        operation_id: OperationId::new(now, platform.random_uuid()),
        at: platform.calendar(),
        now,
    };
    let (project, location) = (name.collection.project, name.collection.location);
    let result = state.store.verify_backup(accepted).await;
    let operation = result.map_err(|error| ApiError::from_backup(error, &project, &location))?;
    state.keeper.look_again();
    Ok(VerifyBackupResponse { operation: OperationName { project, location, operation: operation.id }.to_string() })
}
