//! Rows of the tables `backups` and `verifications`: the mapping to [`Backup`] and the statements on them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use valkyard_model::{
    Backup, BackupName, BackupOrder, BackupState, CollectionName, OperationId, Timestamp, Uid, VerificationOrder,
};

use crate::error::DatabaseError;
use crate::instance_row::{from_json, parsed, to_json, to_nanos};

fn state_column(state: &BackupState) -> &'static str {
    match state {
        BackupState::Creating => "creating",
        BackupState::Active { .. } => "active",
        BackupState::Deleting { .. } => "deleting",
    }
}

pub(crate) fn read(row: &Row<'_>) -> Result<Backup, DatabaseError> {
    from_json("record", row)
}

/// All that a statement finds.
pub(crate) fn read_all(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Backup>, DatabaseError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The backup with this name.
pub(crate) fn find(connection: &Connection, name: &BackupName) -> Result<Option<Backup>, DatabaseError> {
    let sql = "SELECT record FROM backups WHERE project = ?1 AND location = ?2 AND collection = ?3 AND backup = ?4";
    let CollectionName { project, location, collection } = &name.collection;
    let parameters = params![project.as_str(), location.as_str(), collection.as_str(), name.backup.as_str()];
    Ok(read_all(connection, sql, parameters)?.pop())
}

/// The backup with this identity.
pub(crate) fn find_uid(connection: &Connection, uid: Uid) -> Result<Option<Backup>, DatabaseError> {
    Ok(read_all(connection, "SELECT record FROM backups WHERE uid = ?1", params![uid.to_string()])?.pop())
}

/// Stores a new backup, which is being made.
pub(crate) fn insert(connection: &Connection, new: &Backup, accepted_at: Timestamp) -> Result<(), DatabaseError> {
    let sql = "INSERT INTO backups
        (project, location, collection, backup, uid, instance_uid, state, create_time, expire_time, record, task)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let task = BackupOrder { name: new.name.clone(), uid: new.uid, accepted_at, is_cancelled: false };
    let CollectionName { project, location, collection } = &new.name.collection;
    connection.prepare_cached(sql)?.execute(params![
        project.as_str(),
        location.as_str(),
        collection.as_str(),
        new.name.backup.as_str(),
        new.uid.to_string(),
        new.instance_uid.to_string(),
        state_column(&new.state),
        to_nanos("create_time", new.create_time)?,
        to_nanos("expire_time", new.expire_time)?,
        to_json("record", new)?,
        to_json("task", &task)?,
    ])?;
    Ok(())
}

/// Writes back what may change during a backup's life. The task ends with the making.
pub(crate) fn save(connection: &Connection, changed: &Backup) -> Result<(), DatabaseError> {
    let sql = "UPDATE backups SET state = ?2, record = ?3, expire_time = ?4,
        task = iif(?2 = 'creating', task, NULL) WHERE uid = ?1";
    connection.prepare_cached(sql)?.execute(params![
        changed.uid.to_string(),
        state_column(&changed.state),
        to_json("record", changed)?,
        to_nanos("expire_time", changed.expire_time)?,
    ])?;
    Ok(())
}

/// Notes that nobody wants the backup any more that this operation makes.
pub(crate) fn cancel_making(connection: &Connection, instance: Uid) -> Result<(), DatabaseError> {
    let sql = "UPDATE backups SET task = json_set(task, '$.is_cancelled', json('true'))
        WHERE instance_uid = ?1 AND state = 'creating'";
    connection.prepare_cached(sql)?.execute(params![instance.to_string()])?;
    Ok(())
}

/// Removes the record of a backup.
pub(crate) fn remove(connection: &Connection, uid: Uid) -> Result<(), DatabaseError> {
    connection.prepare_cached("DELETE FROM verifications WHERE backup_uid = ?1")?.execute(params![uid.to_string()])?;
    connection.prepare_cached("DELETE FROM backups WHERE uid = ?1")?.execute(params![uid.to_string()])?;
    Ok(())
}

/// Who needs a backup to stay: instances that are created from it, and unfinished operations on it.
pub(crate) fn users(connection: &Connection, backup: &Backup) -> Result<Vec<String>, DatabaseError> {
    let sql = "SELECT 'projects/' || project || '/locations/' || location || '/instances/' || instance AS user
            FROM instances WHERE converged IS NULL AND spec ->> '$.import.backup' = ?1
        UNION ALL
        SELECT 'projects/' || project || '/locations/' || location || '/operations/' || id
            FROM operations WHERE backup = ?1 AND end_time IS NULL AND verb IN ('\"export\"', '\"verify\"')
        ORDER BY user";
    let mut statement = connection.prepare_cached(sql)?;
    let users = statement.query_map(params![backup.name.to_string()], |row| row.get(0))?;
    Ok(users.collect::<Result<_, _>>()?)
}

fn read_verification(row: &Row<'_>) -> Result<VerificationOrder, DatabaseError> {
    Ok(VerificationOrder {
        backup: crate::instance_row::uid_of("backup_uid", row)?,
        operation: OperationId::from_client(&row.get::<_, String>("operation")?),
        scratch: parsed("scratch", row)?,
    })
}

/// Every verification that is under way.
pub(crate) fn verifications(connection: &Connection) -> Result<Vec<VerificationOrder>, DatabaseError> {
    let mut statement = connection.prepare_cached("SELECT * FROM verifications ORDER BY backup_uid")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_verification(row)?);
    }
    Ok(found)
}

pub(crate) fn insert_verification(connection: &Connection, new: &VerificationOrder) -> Result<(), DatabaseError> {
    let sql = "INSERT INTO verifications (backup_uid, operation, scratch) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![new.backup.to_string(), new.operation.as_str(), new.scratch.to_string()])?;
    Ok(())
}

/// The operation that verifies a backup, if one does.
pub(crate) fn verification_of(connection: &Connection, backup: Uid) -> Result<Option<OperationId>, DatabaseError> {
    let mut statement = connection.prepare_cached("SELECT operation FROM verifications WHERE backup_uid = ?1")?;
    let found: Option<String> = statement.query_row(params![backup.to_string()], |row| row.get(0)).optional()?;
    Ok(found.map(|id| OperationId::from_client(&id)))
}

pub(crate) fn remove_verification(connection: &Connection, backup: Uid) -> Result<(), DatabaseError> {
    connection.prepare_cached("DELETE FROM verifications WHERE backup_uid = ?1")?.execute(params![backup.to_string()])?;
    Ok(())
}
