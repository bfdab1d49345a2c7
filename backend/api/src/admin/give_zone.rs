//! Giving a zone back.

use admin_proto::v1::{self, GiveZoneRequest};

use super::AdminError;
use super::zone::{ZoneNodes, parse};
use crate::platform::NodeSignal;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Ends the outage; frozen processes go on, and loops start what is missing. Answers with the outage that ended.
pub(crate) async fn give_zone(state: &ApiState, request: GiveZoneRequest) -> Result<v1::ZoneOutage, ApiError> {
    to_its_end(give(state.clone(), request)).await
}

async fn give(state: ApiState, request: GiveZoneRequest) -> Result<v1::ZoneOutage, ApiError> {
    let (zone, location) = parse(&request.zone)?;
    let ended = state.store.end_zone_outage(&zone).await?;
    let nodes = ZoneNodes::of(&state, &zone, location.clone()).await?;
    // Also where no outage was noted: a daemon that ended while it took a zone may have left frozen processes.
    let failed = nodes.signal(&state, NodeSignal::Thaw).await?;
    nodes.wake(&state, location).await?;
    if !failed.is_empty() {
        return Err(AdminError::NotSignalled { zone, state: "back", failed }.into());
    }
    let outage = ended.ok_or(AdminError::ZoneNotAway { zone })?;
    Ok(nodes.message(&outage))
}
