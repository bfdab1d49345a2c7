//! What is added to the automated backups of an instance, and when they are due.

use admin_proto::v1::{BackupPolicy, GetBackupPolicyRequest};
use valkyard_model::InstanceName;

use crate::convert::{instance_name, timestamp_message};
use crate::{ApiError, ApiState};

/// The policy of an instance.
pub(crate) async fn get_backup_policy(state: &ApiState, request: GetBackupPolicyRequest) -> Result<BackupPolicy, ApiError> {
    let name = instance_name("name", &request.name)?;
    policy_of(state, &name).await
}

pub(super) async fn policy_of(state: &ApiState, name: &InstanceName) -> Result<BackupPolicy, ApiError> {
    let missing = || ApiError::NotFound { name: name.to_string() };
    let instance = state.store.instance(name).await?.ok_or_else(missing)?;
    let record = state.store.schedule(instance.uid).await?.ok_or_else(missing)?;
    let next_due = instance.spec.automated_backups.next_due(state.platform.calendar());
    Ok(BackupPolicy {
        instance: name.to_string(),
        verify: record.verify,
        next_due: next_due.map(timestamp_message),
        last_due: record.last_due.map(timestamp_message),
        last_failure: record.last_failure.unwrap_or_default(),
    })
}
