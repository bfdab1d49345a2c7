//! One instance.

use memorystore_proto::v1;

use crate::convert::{instance_message, instance_name};
use crate::{ApiError, ApiState};

pub(crate) async fn get(state: &ApiState, request: v1::GetInstanceRequest) -> Result<v1::Instance, ApiError> {
    let name = instance_name("name", &request.name)?;
    let found = state.store.instance(&name).await?;
    let instance = found.ok_or_else(|| ApiError::NotFound { name: name.to_string() })?;
    Ok(instance_message(&instance))
}
