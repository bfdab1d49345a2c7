//! What is in one backup.

use admin_proto::v1::{BackupDetails, GetBackupDetailsRequest};

use super::backup_details::details_message;
use crate::convert::backup_name;
use crate::{ApiError, ApiState, backups};

/// The details of a backup.
pub(crate) async fn get_backup_details(state: &ApiState, request: GetBackupDetailsRequest) -> Result<BackupDetails, ApiError> {
    let name = backup_name("name", &request.name)?;
    let backup = backups::find(state, &name).await?;
    let users = state.store.backup_users(&backup).await?;
    Ok(details_message(&backup, users))
}
