//! Accepting an export.

use memorystore_proto::v1::export_backup_request::Destination;
use memorystore_proto::{longrunning, v1};
use valkyard_model::OperationId;
use valkyard_store::ExportBackup;

use crate::convert::{backup_name, destination, operation_message};
use crate::progress::message_when_accepted;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably accepts it; the keeper copies the files. Besides the name of a bucket, the URL of a place in one, in an
/// S3-compatible store or of a folder is taken: an extension, as this daemon may have no bucket.
pub(crate) async fn export(state: &ApiState, request: v1::ExportBackupRequest) -> Result<longrunning::Operation, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, request: v1::ExportBackupRequest) -> Result<longrunning::Operation, ApiError> {
    let name = backup_name("name", &request.name)?;
    let Some(Destination::GcsBucket(text)) = request.destination else {
        return Err(ApiError::invalid("gcs_bucket", "name the bucket to export to"));
    };
    let destination = destination(&text).map_err(|text| ApiError::invalid("gcs_bucket", text))?;
    let now = state.platform.now();
    let accepted = ExportBackup {
        name: name.clone(),
        destination,
        operation_id: OperationId::new(now, state.platform.random_uuid()),
        request: None,
        now,
    };
    let result = state.store.export_backup(accepted).await;
    let (project, location) = (&name.collection.project, &name.collection.location);
    let operation = result.map_err(|error| ApiError::from_backup(error, project, location))?;
    state.keeper.look_again();
    Ok(operation_message(&operation, message_when_accepted(&operation)))
}
