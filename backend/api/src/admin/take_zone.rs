//! Taking a zone away.

use admin_proto::v1::{self, TakeZoneRequest};
use valkyard_store::{OutageManner, ZoneOutage};

use super::AdminError;
use super::zone::{ZoneNodes, parse};
use crate::platform::NodeSignal;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// Durably notes the outage, and stops or freezes the zone's processes. Taking a zone that is away changes its manner.
pub(crate) async fn take_zone(state: &ApiState, request: TakeZoneRequest) -> Result<v1::ZoneOutage, ApiError> {
    to_its_end(take(state.clone(), request)).await
}

async fn take(state: ApiState, request: TakeZoneRequest) -> Result<v1::ZoneOutage, ApiError> {
    let (zone, location) = parse(&request.zone)?;
    let manner = manner(request.manner)?;
    let now = state.platform.now();
    let failed = match manner {
        OutageManner::Stop => {
            state.store.set_zone_outage(&zone, manner, now).await?;
            // Read after the outage is noted: a loop that looks from here on begins nothing there.
            let nodes = ZoneNodes::of(&state, &zone, location.clone()).await?;
            nodes.signal(&state, NodeSignal::Kill).await?
        }
        OutageManner::Hang => {
            // The other way round: what a loop does about an outage, it does about nodes that do not answer.
            let nodes = ZoneNodes::of(&state, &zone, location.clone()).await?;
            let failed = nodes.signal(&state, NodeSignal::Freeze).await?;
            state.store.set_zone_outage(&zone, manner, now).await?;
            failed
        }
    };
    let nodes = ZoneNodes::of(&state, &zone, location.clone()).await?;
    nodes.wake(&state, location).await?;
    // A step that began before the outage was noted may have started a node since.
    nodes.looked_at_since(&state, state.platform.now()).await;
    let signal = match manner {
        OutageManner::Stop => NodeSignal::Kill,
        OutageManner::Hang => NodeSignal::Freeze,
    };
    let failed = [failed, nodes.signal(&state, signal).await?].concat();
    if !failed.is_empty() {
        return Err(AdminError::NotSignalled { zone, state: "away", failed }.into());
    }
    let since =
        state.store.zone_outages().await?.into_iter().find(|outage| outage.zone == zone).map_or(now, |outage| outage.since);
    Ok(nodes.message(&ZoneOutage { zone, manner, since }))
}

fn manner(number: i32) -> Result<OutageManner, ApiError> {
    match v1::OutageManner::try_from(number) {
        Ok(v1::OutageManner::Unspecified | v1::OutageManner::Stop) => Ok(OutageManner::Stop),
        Ok(v1::OutageManner::Hang) => Ok(OutageManner::Hang),
        Err(_) => Err(ApiError::invalid("manner", format!("{number} is not the number of a manner"))),
    }
}
