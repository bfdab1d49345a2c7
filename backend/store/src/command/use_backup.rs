//! Accepting work on a complete backup, and recording its end: exports and verifications.

use rusqlite::Connection;
use valkyard_model::{
    Backup, BackupName, Failure, InstanceName, Operation, OperationId, OperationResult, ScheduleRecord, Timestamp, Uid, Verb,
    Verification, VerificationOrder,
};

use super::RequestKey;
use super::delete_backup::{find, operation_on};
use crate::error::{BackupError, DatabaseError};
use crate::request_row::{self, Earlier};
use crate::{backup_row, instance_row, operation_row, schedule_row};

/// An export to accept.
#[derive(Clone, Debug)]
pub struct ExportBackup {
    /// The backup.
    pub name: BackupName,
    /// URL of the store that it is copied to.
    pub destination: String,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The client's idempotency key, if it sent one.
    pub request: Option<RequestKey>,
    /// The time by the machine's clock.
    pub now: Timestamp,
}

/// A verification to accept.
#[derive(Clone, Debug)]
pub struct VerifyBackup {
    /// The backup.
    pub name: BackupName,
    /// The instance that it is to be restored into; nobody has that name.
    pub scratch: InstanceName,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The time by the clock of schedules.
    pub at: Timestamp,
    /// The time by the machine's clock.
    pub now: Timestamp,
}

pub(crate) fn export_backup(connection: &Connection, export: ExportBackup) -> Result<Operation, BackupError> {
    match request_row::look_up(connection, export.request.as_ref(), export.now)? {
        Earlier::New => {}
        Earlier::Same(operation) => return Ok(*operation),
        Earlier::Other(reused) => return Err(reused.into()),
    }
    let backup = find_active(connection, &export.name)?;
    let operation = operation_on(&backup, Verb::Export, export.operation_id, export.now);
    operation_row::prune(connection, export.now)?;
    operation_row::insert_export(connection, &operation, &export.destination)?;
    request_row::remember(connection, export.request.as_ref(), &operation)?;
    Ok(operation)
}

/// Ends an export.
pub(crate) fn finish_export(
    connection: &Connection,
    id: &OperationId,
    backup: Uid,
    outcome: Result<(), &Failure>,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    match outcome {
        Ok(()) => succeed(connection, id, backup_row::find_uid(connection, backup)?, now),
        Err(failure) => operation_row::fail(connection, id, now, failure),
    }
}

pub(crate) fn verify_backup(connection: &Connection, verify: VerifyBackup) -> Result<Operation, BackupError> {
    let backup = find_active(connection, &verify.name)?;
    if let Some(operation) = backup_row::verification_of(connection, backup.uid)? {
        return Err(BackupError::Busy { operation });
    }
    let operation = operation_on(&backup, Verb::Verify, verify.operation_id.clone(), verify.now);
    let row = VerificationOrder { backup: backup.uid, operation: verify.operation_id, scratch: verify.scratch };
    operation_row::prune(connection, verify.now)?;
    backup_row::save(connection, &Backup { verification: Verification::Running { at: verify.at }, ..backup })?;
    backup_row::insert_verification(connection, &row)?;
    operation_row::insert(connection, &operation)?;
    Ok(operation)
}

/// Records the outcome of a verification; its operation fails with `failure` if the backup did not pass. Does nothing where none
/// is under way.
pub(crate) fn finish_verification(
    connection: &Connection,
    backup: Uid,
    outcome: Verification,
    failure: Option<&Failure>,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let Some(operation) = backup_row::verification_of(connection, backup)? else { return Ok(()) };
    backup_row::remove_verification(connection, backup)?;
    let Some(found) = backup_row::find_uid(connection, backup)? else { return Ok(()) };
    let changed = Backup { verification: outcome, ..found };
    backup_row::save(connection, &changed)?;
    match failure {
        None => succeed(connection, &operation, Some(changed), now),
        Some(failure) => operation_row::fail(connection, &operation, now, failure),
    }
}

/// Says whether automated backups of an instance are verified.
pub(crate) fn set_verify(connection: &Connection, name: &InstanceName, verify: bool) -> Result<(), BackupError> {
    let missing = || BackupError::NotFound { name: name.to_string() };
    let instance = instance_row::find(connection, name)?.ok_or_else(missing)?;
    let record = schedule_row::find(connection, instance.uid)?.ok_or_else(missing)?;
    Ok(schedule_row::save(connection, instance.uid, &ScheduleRecord { verify, ..record })?)
}

fn succeed(connection: &Connection, id: &OperationId, backup: Option<Backup>, now: Timestamp) -> Result<(), DatabaseError> {
    let result = backup.map(|backup| OperationResult::Backup(Box::new(backup)));
    operation_row::succeed(connection, id, now, result.as_ref())
}

fn find_active(connection: &Connection, name: &BackupName) -> Result<Backup, BackupError> {
    let backup = find(connection, name)?;
    if backup.is_active() { Ok(backup) } else { Err(BackupError::NotActive { name: name.clone() }) }
}
