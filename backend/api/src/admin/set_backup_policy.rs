//! Saying whether automated backups of an instance are verified.

use admin_proto::v1::{BackupPolicy, SetBackupPolicyRequest};

use super::backup_policy::policy_of;
use crate::convert::instance_name;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably notes it; it concerns backups that are made from now on.
pub(crate) async fn set_backup_policy(state: &ApiState, request: SetBackupPolicyRequest) -> Result<BackupPolicy, ApiError> {
    to_its_end(set(state.clone(), request)).await
}

async fn set(state: ApiState, request: SetBackupPolicyRequest) -> Result<BackupPolicy, ApiError> {
    let name = instance_name("name", &request.name)?;
    let result = state.store.set_verify(&name, request.verify).await;
    result.map_err(|error| ApiError::from_backup(error, &name.project, &name.location))?;
    state.keeper.look_again();
    policy_of(&state, &name).await
}
