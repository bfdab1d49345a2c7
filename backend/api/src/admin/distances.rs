//! What is emulated between locations: set and read.

use admin_proto::v1::{Distance, ListDistancesRequest, ListDistancesResponse, SetDistanceRequest};

use super::distance_message::{distance, distance_message};
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably sets it. Links follow with the next look of their instance's loop, within half a second.
pub(crate) async fn set_distance(state: &ApiState, request: SetDistanceRequest) -> Result<Distance, ApiError> {
    to_its_end(set(state.clone(), request)).await
}

async fn set(state: ApiState, request: SetDistanceRequest) -> Result<Distance, ApiError> {
    let wanted = distance(&request.distance.unwrap_or_default())?;
    state.store.set_distance(wanted.clone()).await?;
    Ok(distance_message(&wanted))
}

/// All that were set.
pub(crate) async fn list_distances(state: &ApiState, _request: ListDistancesRequest) -> Result<ListDistancesResponse, ApiError> {
    let found = state.store.distances().await?;
    Ok(ListDistancesResponse { distances: found.iter().map(distance_message).collect() })
}
