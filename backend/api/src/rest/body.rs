//! Request bodies: bounded, JSON, and empty ones as good as `{}`.

use std::error::Error;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use memorystore_proto::json::from_json;
use prost::{Message, Name};

use crate::ApiError;
use crate::router::BODY_BYTES_MAX;

/// Reads a body as the message that is the field `field` of a request (empty: the request itself).
pub(super) async fn read<M: Message + Name + Default>(body: Body, field: &str) -> Result<M, ApiError> {
    let bytes = read_bytes(body).await?;
    if bytes.trim_ascii().is_empty() {
        return Ok(M::default());
    }
    from_json(&bytes).map_err(|error| ApiError::from_json(error, field))
}

/// Reads a body as a request of the administration API.
pub(super) async fn read_admin<M: Message + Name + Default>(body: Body) -> Result<M, ApiError> {
    let bytes = read_bytes(body).await?;
    if bytes.trim_ascii().is_empty() {
        return Ok(M::default());
    }
    admin_proto::json::from_json(&bytes).map_err(|error| ApiError::invalid("", format!("the request body: {}", error.source)))
}

async fn read_bytes(body: Body) -> Result<Bytes, ApiError> {
    to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
        if error.source().is_some_and(|cause| cause.is::<LengthLimitError>()) {
            ApiError::BodyTooLarge { limit_bytes: BODY_BYTES_MAX }
        } else {
            ApiError::UnreadableBody(error.into())
        }
    })
}
