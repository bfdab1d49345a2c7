//! The end of a backup: accepted on request or when it has expired, and recorded once its files are gone.

use rusqlite::Connection;
use valkyard_model::{
    Backup, BackupContent, BackupName, BackupState, Generation, Operation, OperationId, OperationState, OperationTarget,
    Timestamp, Uid, Verb,
};

use super::RequestKey;
use crate::error::{BackupError, DatabaseError};
use crate::request_row::{self, Earlier};
use crate::{backup_row, collection_row, operation_row};

/// A deletion to accept.
#[derive(Clone, Debug)]
pub struct DeleteBackup {
    /// The backup.
    pub name: BackupName,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The client's idempotency key, if it sent one.
    pub request: Option<RequestKey>,
    /// The time by the machine's clock.
    pub now: Timestamp,
}

pub(crate) fn delete_backup(connection: &Connection, delete: DeleteBackup) -> Result<Operation, BackupError> {
    match request_row::look_up(connection, delete.request.as_ref(), delete.now)? {
        Earlier::New => {}
        Earlier::Same(operation) => return Ok(*operation),
        Earlier::Other(reused) => return Err(reused.into()),
    }
    let backup = find(connection, &delete.name)?;
    let running = operation_row::running(connection, backup.uid)?;
    if let Some(deletion) = running.iter().find(|operation| operation.verb == Verb::Delete) {
        return Err(BackupError::Busy { operation: deletion.id.clone() });
    }
    let content = match &backup.state {
        BackupState::Creating => return Err(BackupError::Busy { operation: backup.operation }),
        BackupState::Active { content } => Some(content.clone()),
        BackupState::Deleting { content } => content.clone(),
    };
    refuse_if_used(connection, &backup)?;
    let operation = operation_on(&backup, Verb::Delete, delete.operation_id, delete.now);
    operation_row::prune(connection, delete.now)?;
    mark_deleting(connection, backup, content)?;
    operation_row::insert(connection, &operation)?;
    request_row::remember(connection, delete.request.as_ref(), &operation)?;
    Ok(operation)
}

/// Marks a backup as on its way out whose time is over; returns whether it is. One that is needed stays for as long as that.
pub(crate) fn expire_backup(connection: &Connection, uid: Uid) -> Result<bool, DatabaseError> {
    let Some(backup) = backup_row::find_uid(connection, uid)? else { return Ok(false) };
    let BackupState::Active { content } = &backup.state else { return Ok(false) };
    if !backup_row::users(connection, &backup)?.is_empty() {
        return Ok(false);
    }
    let content = Some(content.clone());
    mark_deleting(connection, backup, content)?;
    Ok(true)
}

/// Removes the record of a backup of which nothing is left in the store; ends its deletion. Does nothing where there is none.
pub(crate) fn remove_backup(connection: &Connection, uid: Uid, now: Timestamp) -> Result<(), DatabaseError> {
    let Some(backup) = backup_row::find_uid(connection, uid)? else { return Ok(()) };
    match backup.state {
        BackupState::Creating | BackupState::Active { .. } => return Ok(()),
        BackupState::Deleting { .. } => {}
    }
    backup_row::remove(connection, uid)?;
    collection_row::remove_if_empty(connection, &backup.name.collection)?;
    for operation in operation_row::running(connection, uid)? {
        operation_row::succeed(connection, &operation.id, now, None)?;
    }
    Ok(())
}

fn mark_deleting(connection: &Connection, backup: Backup, content: Option<BackupContent>) -> Result<(), DatabaseError> {
    backup_row::save(connection, &Backup { state: BackupState::Deleting { content }, ..backup })
}

pub(super) fn find(connection: &Connection, name: &BackupName) -> Result<Backup, BackupError> {
    backup_row::find(connection, name)?.ok_or_else(|| BackupError::NotFound { name: name.to_string() })
}

pub(super) fn refuse_if_used(connection: &Connection, backup: &Backup) -> Result<(), BackupError> {
    let users = backup_row::users(connection, backup)?;
    if users.is_empty() { Ok(()) } else { Err(BackupError::InUse { name: backup.name.clone(), users }) }
}

/// A backup has no generations: each operation on it is about the only one.
pub(super) fn operation_on(backup: &Backup, verb: Verb, id: OperationId, now: Timestamp) -> Operation {
    Operation {
        id,
        verb,
        target: OperationTarget::Backup(backup.name.clone()),
        target_uid: backup.uid,
        generation: Generation::FIRST,
        create_time: now,
        cancel_requested: false,
        state: OperationState::Running,
    }
}
