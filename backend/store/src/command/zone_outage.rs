//! Taking zones away and giving them back. They concern every instance of their location, present and future.

use rusqlite::Connection;
use valkyard_model::{Timestamp, Zone};

use crate::error::DatabaseError;
use crate::zone_outage::{self, OutageManner, ZoneOutage};

pub(crate) fn set_zone_outage(
    connection: &Connection,
    zone: &Zone,
    manner: OutageManner,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    zone_outage::upsert(connection, &ZoneOutage { zone: zone.clone(), manner, since: now })
}

/// Returns the outage that ended, if there was one.
pub(crate) fn end_zone_outage(connection: &Connection, zone: &Zone) -> Result<Option<ZoneOutage>, DatabaseError> {
    let ended = zone_outage::all(connection)?.into_iter().find(|outage| outage.zone == *zone);
    zone_outage::remove(connection, zone)?;
    Ok(ended)
}
