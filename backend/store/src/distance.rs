//! Rows of the table `distances`: what is emulated between locations.

use std::num::NonZeroU64;
use std::time::Duration;

use rusqlite::{Connection, params};
use valkyard_model::LocationId;

use crate::error::DatabaseError;
use crate::instance_row::{from_integer, parsed, to_integer};
use crate::store::Store;

/// What lies between two locations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationDistance {
    /// The first of the two in alphabetical order.
    pub location: LocationId,
    /// The other, or the same again.
    pub other: LocationId,
    /// Time to the other and back.
    pub round_trip: Duration,
    /// Most bytes in a second over each link; nothing for no limit.
    pub bandwidth: Option<NonZeroU64>,
    /// Whether nothing passes.
    pub is_cut: bool,
}

impl LocationDistance {
    /// Nothing between these two, in any order.
    #[must_use]
    pub fn none(one: &LocationId, other: &LocationId) -> Self {
        let (location, other) = if one <= other { (one, other) } else { (other, one) };
        Self { location: location.clone(), other: other.clone(), round_trip: Duration::ZERO, bandwidth: None, is_cut: false }
    }
}

impl Store {
    /// Sets what lies between two locations; nothing between them is kept as nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_distance(&self, distance: LocationDistance) -> Result<(), DatabaseError> {
        self.writer.write(move |tx| set(tx, &distance)).await
    }

    /// Every pair of locations with something between them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn distances(&self) -> Result<Vec<LocationDistance>, DatabaseError> {
        self.reader.read(all).await
    }

    /// What lies between two locations, in any order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn distance(&self, one: &LocationId, other: &LocationId) -> Result<LocationDistance, DatabaseError> {
        let none = LocationDistance::none(one, other);
        let found = self.distances().await?;
        let is_it = |distance: &LocationDistance| (&distance.location, &distance.other) == (&none.location, &none.other);
        Ok(found.into_iter().find(is_it).unwrap_or(none))
    }
}

fn set(connection: &Connection, distance: &LocationDistance) -> Result<(), DatabaseError> {
    let (location, other) = (distance.location.as_str(), distance.other.as_str());
    connection.prepare_cached("DELETE FROM distances WHERE location = ?1 AND other = ?2")?.execute(params![location, other])?;
    if *distance == LocationDistance::none(&distance.location, &distance.other) {
        return Ok(());
    }
    let round_trip = u64::try_from(distance.round_trip.as_nanos()).unwrap_or(u64::MAX);
    let bandwidth = distance.bandwidth.map(|bytes| to_integer("bandwidth", bytes.get())).transpose()?;
    let sql = "INSERT INTO distances (location, other, round_trip, bandwidth, is_cut) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        location,
        other,
        to_integer("round_trip", round_trip)?,
        bandwidth,
        distance.is_cut
    ])?;
    Ok(())
}

fn all(connection: &Connection) -> Result<Vec<LocationDistance>, DatabaseError> {
    let sql = "SELECT location, other, round_trip, bandwidth, is_cut FROM distances ORDER BY location, other";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bandwidth: Option<i64> = row.get("bandwidth")?;
        let bandwidth = bandwidth.map(|bytes| from_integer("bandwidth", bytes)).transpose()?;
        found.push(LocationDistance {
            location: parsed("location", row)?,
            other: parsed("other", row)?,
            round_trip: Duration::from_nanos(from_integer("round_trip", row.get("round_trip")?)?),
            bandwidth: bandwidth.and_then(NonZeroU64::new),
            is_cut: row.get("is_cut")?,
        });
    }
    Ok(found)
}
