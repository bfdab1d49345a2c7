//! One collection.

use memorystore_proto::v1;

use crate::convert::{collection_message, collection_name};
use crate::{ApiError, ApiState};

pub(crate) async fn get_collection(
    state: &ApiState,
    request: v1::GetBackupCollectionRequest,
) -> Result<v1::BackupCollection, ApiError> {
    let name = collection_name("name", &request.name)?;
    let found = state.store.collection(&name).await?;
    let collection = found.ok_or_else(|| ApiError::NotFound { name: name.to_string() })?;
    Ok(collection_message(&collection))
}
