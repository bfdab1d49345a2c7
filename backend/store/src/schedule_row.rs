//! The column `schedule` of the table `instances`: what is remembered of automated backups.

use rusqlite::{Connection, params};
use valkyard_model::{ScheduleRecord, Scheduled, Uid};

use crate::error::DatabaseError;
use crate::instance_row::{self, INSTANCE_VIEW, from_json, to_json};

/// The record of one incarnation.
pub(crate) fn find(connection: &Connection, uid: Uid) -> Result<Option<ScheduleRecord>, DatabaseError> {
    let mut statement = connection.prepare_cached("SELECT schedule FROM instances WHERE uid = ?1")?;
    let mut rows = statement.query(params![uid.to_string()])?;
    rows.next()?.map(|row| from_json("schedule", row)).transpose()
}

pub(crate) fn save(connection: &Connection, uid: Uid, record: &ScheduleRecord) -> Result<(), DatabaseError> {
    let mut statement = connection.prepare_cached("UPDATE instances SET schedule = ?2 WHERE uid = ?1")?;
    statement.execute(params![uid.to_string(), to_json("schedule", record)?])?;
    Ok(())
}

/// Every instance with automated backups.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Scheduled>, DatabaseError> {
    let sql = format!(
        "SELECT {INSTANCE_VIEW}, EXISTS (SELECT 1 FROM operations WHERE operations.uid = instances.uid AND end_time IS NULL) AS is_busy
         FROM instances WHERE spec ->> '$.automated_backups.mode' = 'daily' ORDER BY project, location, instance"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (instance, record) = (instance_row::read(row)?, from_json("schedule", row)?);
        found.push(Scheduled { instance, record, is_busy: row.get("is_busy")? });
    }
    Ok(found)
}
