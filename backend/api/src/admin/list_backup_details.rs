//! What is in each backup of a collection, or of several.

use std::cmp::Reverse;

use admin_proto::v1::{ListBackupDetailsRequest, ListBackupDetailsResponse};

use super::backup_details::details_message;
use crate::convert::CollectionScope;
use crate::{ApiError, ApiState};

/// Every backup, newest first, in one page: retention bounds them.
pub(crate) async fn list_backup_details(
    state: &ApiState,
    request: ListBackupDetailsRequest,
) -> Result<ListBackupDetailsResponse, ApiError> {
    let parent = CollectionScope::parse("parent", &request.parent)?;
    let mut found = state.store.backups(&parent.scope, parent.collection.as_ref(), None, u32::MAX).await?;
    if found.is_empty()
        && let Some(name) = parent.name()
        && state.store.collection(&name).await?.is_none()
    {
        return Err(ApiError::NotFound { name: name.to_string() });
    }
    found.sort_by(|one, other| (Reverse(one.create_time), &one.name).cmp(&(Reverse(other.create_time), &other.name)));
    let mut backups = Vec::with_capacity(found.len());
    for backup in &found {
        backups.push(details_message(backup, state.store.backup_users(backup).await?));
    }
    Ok(ListBackupDetailsResponse { backups })
}
