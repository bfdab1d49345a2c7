//! The zones that are away.

use admin_proto::v1::{ListZoneOutagesRequest, ListZoneOutagesResponse};

use super::zone::{ZoneNodes, parse};
use crate::{ApiError, ApiState};

/// Every outage, by zone.
pub(crate) async fn list_zone_outages(
    state: &ApiState,
    _request: ListZoneOutagesRequest,
) -> Result<ListZoneOutagesResponse, ApiError> {
    let mut outages = Vec::new();
    for outage in state.store.zone_outages().await? {
        let (zone, location) = parse(outage.zone.as_str())?;
        outages.push(ZoneNodes::of(state, &zone, location).await?.message(&outage));
    }
    Ok(ListZoneOutagesResponse { outages })
}
