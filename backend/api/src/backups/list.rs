//! Pages of backups.

use memorystore_proto::v1;

use crate::convert::{CollectionScope, backup_message};
use crate::paging::{PAGE_SIZE_MAX, PageKey, page_size_or};
use crate::{ApiError, ApiState};

/// One page, by name. A collection that is not there is told from one without backups, of which there is none.
pub(crate) async fn list(state: &ApiState, request: v1::ListBackupsRequest) -> Result<v1::ListBackupsResponse, ApiError> {
    let parent = CollectionScope::parse("parent", &request.parent)?;
    let limit = page_size_or(PAGE_SIZE_MAX, request.page_size)?;
    let after = PageKey::from_token(&request.page_token)?.map(PageKey::backup).transpose()?;
    let mut found = state.store.backups(&parent.scope, parent.collection.as_ref(), after, limit + 1).await?;
    if found.is_empty()
        && let Some(name) = parent.name()
        && state.store.collection(&name).await?.is_none()
    {
        return Err(ApiError::NotFound { name: name.to_string() });
    }
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| has_more);
    Ok(v1::ListBackupsResponse {
        next_page_token: last.map(|last| PageKey::Backup(last.name.clone()).token()).unwrap_or_default(),
        backups: found.iter().map(backup_message).collect(),
        unreachable: Vec::new(),
    })
}
