//! Rows of the table `operations`. An operation runs as long as its `end_time` is empty; then it has either failed, with a
//! `failure`, or succeeded, with the snapshot of its target as `result` unless it was a deletion. The snapshot is without the
//! secret: it outlives the instance.

use chrono::TimeDelta;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use valkyard_model::{
    AdminSecret, DesiredInstance, Failure, Operation, OperationId, OperationResult, OperationState, OperationTarget, Timestamp,
    Uid, Verb,
};

use crate::error::DatabaseError;
use crate::instance_row::{
    from_json, from_json_or_null, generation_of, name_of, parsed, time_of, to_integer, to_json, to_nanos, uid_of,
};

pub(crate) const OPERATION_COLUMNS: &str = "id, project, location, instance, uid, verb, generation, create_time, cancel_requested, end_time, failure, result, \
     backup";

/// How long a finished operation can be asked for: a month, so that an audit of the last billing period still finds it.
pub(crate) const FINISHED_OPERATIONS_KEPT: TimeDelta = TimeDelta::days(30);

pub(crate) fn read(row: &Row<'_>) -> Result<Operation, DatabaseError> {
    Ok(Operation {
        id: OperationId::from_client(&row.get::<_, String>("id")?),
        verb: from_json::<Verb>("verb", row)?,
        target: read_target(row)?,
        target_uid: uid_of("uid", row)?,
        generation: generation_of("generation", row)?,
        create_time: time_of("create_time", row)?,
        cancel_requested: row.get("cancel_requested")?,
        state: read_state(row)?,
    })
}

fn read_target(row: &Row<'_>) -> Result<OperationTarget, DatabaseError> {
    if row.get_ref("backup")? == ValueRef::Null {
        Ok(OperationTarget::Instance(name_of(row)?))
    } else {
        Ok(OperationTarget::Backup(parsed("backup", row)?))
    }
}

fn read_result(row: &Row<'_>) -> Result<Option<OperationResult>, DatabaseError> {
    if row.get_ref("backup")? == ValueRef::Null {
        Ok(from_json_or_null("result", row)?.map(OperationResult::Instance))
    } else {
        Ok(from_json_or_null("result", row)?.map(OperationResult::Backup))
    }
}

fn read_state(row: &Row<'_>) -> Result<OperationState, DatabaseError> {
    if row.get_ref("end_time")? == ValueRef::Null {
        return Ok(OperationState::Running);
    }
    let end_time = time_of("end_time", row)?;
    if let Some(failure) = from_json_or_null("failure", row)? {
        return Ok(OperationState::Failed { end_time, failure });
    }
    Ok(OperationState::Succeeded { end_time, result: read_result(row)? })
}

/// The operation with this id.
pub(crate) fn find(connection: &Connection, id: &OperationId) -> Result<Option<Operation>, DatabaseError> {
    let sql = format!("SELECT {OPERATION_COLUMNS} FROM operations WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![id.as_str()])?;
    rows.next()?.map(read).transpose()
}

/// Unfinished operations of one incarnation, oldest first.
pub(crate) fn running(connection: &Connection, uid: Uid) -> Result<Vec<Operation>, DatabaseError> {
    let sql = format!("SELECT {OPERATION_COLUMNS} FROM operations WHERE uid = ?1 AND end_time IS NULL ORDER BY generation, id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![uid.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Stores a newly accepted operation, which runs.
pub(crate) fn insert(connection: &Connection, new: &Operation) -> Result<(), DatabaseError> {
    insert_with(connection, new, None)
}

/// Stores a newly accepted export.
pub(crate) fn insert_export(connection: &Connection, new: &Operation, destination: &str) -> Result<(), DatabaseError> {
    insert_with(connection, new, Some(destination))
}

fn insert_with(connection: &Connection, new: &Operation, destination: Option<&str>) -> Result<(), DatabaseError> {
    let sql = format!(
        "INSERT INTO operations ({OPERATION_COLUMNS}, destination)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL, NULL, ?10, ?11)"
    );
    let (id, backup) = match &new.target {
        OperationTarget::Instance(name) => (&name.instance, None),
        OperationTarget::Backup(name) => (&name.collection.collection, Some(name.to_string())),
    };
    connection.prepare_cached(&sql)?.execute(params![
        new.id.as_str(),
        new.target.project().as_str(),
        new.target.location().as_str(),
        id.as_str(),
        new.target_uid.to_string(),
        to_json("verb", &new.verb)?,
        to_integer("generation", new.generation.0)?,
        to_nanos("create_time", new.create_time)?,
        new.cancel_requested,
        backup,
        destination,
    ])?;
    Ok(())
}

/// Ends an unfinished operation, with a snapshot of its target if that is still there. One that has ended keeps its end.
pub(crate) fn succeed(
    connection: &Connection,
    id: &OperationId,
    end_time: Timestamp,
    result: Option<&OperationResult>,
) -> Result<(), DatabaseError> {
    let result = result.map(|result| match result {
        OperationResult::Instance(target) => {
            to_json("result", &DesiredInstance { secret: AdminSecret::withheld(), ..target.as_ref().clone() })
        }
        OperationResult::Backup(target) => to_json("result", target),
    });
    let result = result.transpose()?;
    connection
        .prepare_cached("UPDATE operations SET end_time = ?2, result = ?3 WHERE id = ?1 AND end_time IS NULL")?
        .execute(params![id.as_str(), to_nanos("end_time", end_time)?, result])?;
    Ok(())
}

/// Ends an unfinished operation as failed. One that has ended keeps its end.
pub(crate) fn fail(
    connection: &Connection,
    id: &OperationId,
    end_time: Timestamp,
    failure: &Failure,
) -> Result<(), DatabaseError> {
    connection
        .prepare_cached("UPDATE operations SET end_time = ?2, failure = ?3 WHERE id = ?1 AND end_time IS NULL")?
        .execute(params![id.as_str(), to_nanos("end_time", end_time)?, to_json("failure", failure)?])?;
    Ok(())
}

/// Notes that a client asked to cancel it.
pub(crate) fn mark_cancel_requested(connection: &Connection, id: &OperationId) -> Result<(), DatabaseError> {
    connection.prepare_cached("UPDATE operations SET cancel_requested = 1 WHERE id = ?1")?.execute(params![id.as_str()])?;
    Ok(())
}

/// Removes one operation, and with it the request that asked for it.
pub(crate) fn remove(connection: &Connection, id: &OperationId) -> Result<(), DatabaseError> {
    connection.prepare_cached("DELETE FROM operations WHERE id = ?1")?.execute(params![id.as_str()])?;
    Ok(())
}

/// Removes operations that finished longer ago than they are kept.
pub(crate) fn prune(connection: &Connection, now: Timestamp) -> Result<(), DatabaseError> {
    let before = to_nanos("end_time", now - FINISHED_OPERATIONS_KEPT)?;
    connection.prepare_cached("DELETE FROM operations WHERE end_time < ?1")?.execute(params![before])?;
    Ok(())
}
