//! Recording how the making of a backup ended, which ends its operation.

use rusqlite::Connection;
use valkyard_model::{
    Backup, BackupContent, BackupOrigin, BackupState, Failure, FailureCode, InstanceName, OperationResult, ScheduleRecord,
    Timestamp, Uid,
};

use super::incarnation::find_incarnation;
use crate::error::{DatabaseError, ProgressError};
use crate::{backup_row, collection_row, operation_row, schedule_row};

/// Does nothing for a backup that is not being made any more.
pub(crate) fn record_backup(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    backup: Uid,
    content: BackupContent,
    now: Timestamp,
) -> Result<(), ProgressError> {
    let instance = find_incarnation(connection, name, uid)?;
    let Some(mut backup) = in_the_making(connection, uid, backup)? else { return Ok(()) };
    backup.state = BackupState::Active { content };
    backup_row::save(connection, &backup)?;
    collection_row::note_backup(connection, &backup.name.collection, backup.create_time)?;
    let result = OperationResult::Instance(Box::new(valkyard_model::DesiredInstance { backup: None, ..instance }));
    Ok(operation_row::succeed(connection, &backup.operation, now, Some(&result))?)
}

/// Does nothing for a backup that is not being made any more.
pub(crate) fn abandon_backup(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    backup: Uid,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), ProgressError> {
    find_incarnation(connection, name, uid)?;
    let Some(mut backup) = in_the_making(connection, uid, backup)? else { return Ok(()) };
    backup.state = BackupState::Deleting { content: None };
    backup_row::save(connection, &backup)?;
    note_failure(connection, &backup, failure)?;
    Ok(operation_row::fail(connection, &backup.operation, now, failure)?)
}

fn in_the_making(connection: &Connection, instance: Uid, backup: Uid) -> Result<Option<Backup>, DatabaseError> {
    let found = backup_row::find_uid(connection, backup)?;
    Ok(found.filter(|found| found.state == BackupState::Creating && found.instance_uid == instance))
}

fn note_failure(connection: &Connection, backup: &Backup, failure: &Failure) -> Result<(), DatabaseError> {
    let BackupOrigin::Automated { due } = backup.origin else { return Ok(()) };
    let Some(record) = schedule_row::find(connection, backup.instance_uid)? else { return Ok(()) };
    // What somebody cancelled is not begun again.
    if record.last_due != Some(due) || failure.code == FailureCode::Cancelled {
        return Ok(());
    }
    let record = ScheduleRecord { last_failure: Some(failure.message.clone()), ..record };
    schedule_row::save(connection, backup.instance_uid, &record)
}
