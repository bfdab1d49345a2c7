//! One backup.

use memorystore_proto::v1;
use valkyard_model::{Backup, BackupName};

use crate::convert::{backup_message, backup_name};
use crate::{ApiError, ApiState};

pub(crate) async fn get(state: &ApiState, request: v1::GetBackupRequest) -> Result<v1::Backup, ApiError> {
    let name = backup_name("name", &request.name)?;
    Ok(backup_message(&find(state, &name).await?))
}

/// The record of a backup.
pub(crate) async fn find(state: &ApiState, name: &BackupName) -> Result<Backup, ApiError> {
    let found = state.store.backup(name).await?;
    found.ok_or_else(|| ApiError::NotFound { name: name.to_string() })
}
