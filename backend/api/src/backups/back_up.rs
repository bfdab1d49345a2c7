//! Accepting a backup of an instance.

use std::time::Duration;

use memorystore_proto::{longrunning, v1};
use valkyard_model::{BackupId, BackupOrigin, NameError, OperationId, TTL_MAX, TTL_MIN, Uid};
use valkyard_store::BackUpInstance;

use crate::convert::{instance_name, operation_message, whole_seconds};
use crate::progress::message_when_accepted;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably accepts it; the loop of the instance takes the data.
pub(crate) async fn back_up(state: &ApiState, request: v1::BackupInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, request: v1::BackupInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    let name = instance_name("name", &request.name)?;
    let backup: Option<BackupId> = request
        .backup_id
        .filter(|id| !id.is_empty())
        .map(|id| id.parse())
        .transpose()
        .map_err(|error: NameError| ApiError::invalid("backup_id", error.to_string()))?;
    let ttl = ttl(request.ttl.as_ref())?;
    let platform = &state.platform;
    let (now, at) = (platform.now(), platform.calendar());
    let accepted = BackUpInstance {
        name: name.clone(),
        backup,
        uid: Uid(platform.random_uuid()),
        collection_uid: Uid(platform.random_uuid()),
        origin: BackupOrigin::OnDemand,
        create_time: at,
        expire_time: at + ttl,
        operation_id: OperationId::new(now, platform.random_uuid()),
        request: None,
        now,
    };
    let result = state.store.back_up_instance(accepted).await;
    let operation = result.map_err(|error| ApiError::from_backup(error, &name.project, &name.location))?;
    state.supervisor.look_again(name).await;
    // It looks often while a backup is made, so that what is left of one that fails does not stay until it looks anyway.
    state.keeper.look_again();
    Ok(operation_message(&operation, message_when_accepted(&operation)))
}

fn ttl(asked: Option<&prost_types::Duration>) -> Result<Duration, ApiError> {
    let Some(asked) = asked else { return Ok(TTL_MAX) };
    let given = whole_seconds(asked).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    given.filter(|given| (TTL_MIN..=TTL_MAX).contains(given)).ok_or_else(|| {
        let (least, most) = (TTL_MIN.as_secs(), TTL_MAX.as_secs());
        let text = format!("ttl must be whole seconds, {least}s to {most}s (1 day to 100 years); leave it out for the most");
        ApiError::invalid("ttl", text)
    })
}
