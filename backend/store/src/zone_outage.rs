//! Rows of the table `zone_outages`: the zones that an administrator took away.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use valkyard_model::{Timestamp, Zone};

use crate::error::DatabaseError;
use crate::instance_row::{from_json, time_of, to_nanos};

/// A zone that was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneOutage {
    /// The zone.
    pub zone: Zone,
    /// What becomes of its nodes.
    pub manner: OutageManner,
    /// Since when.
    pub since: Timestamp,
}

/// What becomes of the nodes of a zone that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageManner {
    /// Their processes end.
    Stop,
    /// Their processes stay, and do nothing.
    Hang,
}

impl OutageManner {
    /// The value of the `manner` column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Hang => "hang",
        }
    }
}

/// Every outage, by zone.
pub(crate) fn all(connection: &Connection) -> Result<Vec<ZoneOutage>, DatabaseError> {
    let sql = "SELECT json_quote(zone) AS zone, json_quote(manner) AS manner, since FROM zone_outages ORDER BY zone_outages.zone";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (zone, manner) = (from_json("zone", row)?, from_json("manner", row)?);
        found.push(ZoneOutage { zone, manner, since: time_of("since", row)? });
    }
    Ok(found)
}

/// Stores an outage; one of the same zone keeps its beginning.
pub(crate) fn upsert(connection: &Connection, outage: &ZoneOutage) -> Result<(), DatabaseError> {
    let sql = "INSERT INTO zone_outages (zone, manner, since) VALUES (?1, ?2, ?3)
               ON CONFLICT (zone) DO UPDATE SET manner = excluded.manner";
    connection.prepare_cached(sql)?.execute(params![
        outage.zone.as_str(),
        outage.manner.as_str(),
        to_nanos("since", outage.since)?
    ])?;
    Ok(())
}

/// Removes the outage of a zone.
pub(crate) fn remove(connection: &Connection, zone: &Zone) -> Result<(), DatabaseError> {
    connection.prepare_cached("DELETE FROM zone_outages WHERE zone = ?1")?.execute(params![zone.as_str()])?;
    Ok(())
}
