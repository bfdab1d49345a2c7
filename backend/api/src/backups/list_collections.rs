//! Pages of collections.

use memorystore_proto::v1;

use crate::convert::{Parent, collection_message};
use crate::paging::{PAGE_SIZE_MAX, PageKey, page_size_or};
use crate::{ApiError, ApiState};

/// One page, by name.
pub(crate) async fn list_collections(
    state: &ApiState,
    request: v1::ListBackupCollectionsRequest,
) -> Result<v1::ListBackupCollectionsResponse, ApiError> {
    let scope = Parent::scope("parent", &request.parent)?;
    let limit = page_size_or(PAGE_SIZE_MAX, request.page_size)?;
    let after = PageKey::from_token(&request.page_token)?.map(PageKey::collection).transpose()?;
    let mut found = state.store.collections(&scope, after, limit + 1).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| has_more);
    Ok(v1::ListBackupCollectionsResponse {
        next_page_token: last.map(|last| PageKey::Collection(last.name.clone()).token()).unwrap_or_default(),
        backup_collections: found.iter().map(collection_message).collect(),
        unreachable: Vec::new(),
    })
}
