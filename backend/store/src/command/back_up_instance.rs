//! Accepting a backup: its record, its collection and its operation. The instance's loop makes it.

use rusqlite::Connection;
use valkyard_model::{
    Backup, BackupId, BackupName, BackupOrigin, BackupState, CollectionName, InstanceName, Lifecycle, Operation, OperationId,
    OperationState, OperationTarget, ScheduleRecord, Timestamp, Uid, Verb, Verification,
};

use super::RequestKey;
use crate::error::{BackupError, DatabaseError};
use crate::request_row::{self, Earlier};
use crate::{backup_row, collection_row, instance_row, operation_row, schedule_row};

/// A backup to accept.
#[derive(Clone, Debug)]
pub struct BackUpInstance {
    /// The instance.
    pub name: InstanceName,
    /// The backup's id; made from time and instance if there is none.
    pub backup: Option<BackupId>,
    /// A random uid.
    pub uid: Uid,
    /// A random uid for the collection, if it has to be made.
    pub collection_uid: Uid,
    /// Who asks for it.
    pub origin: BackupOrigin,
    /// The time by the clock of schedules.
    pub create_time: Timestamp,
    /// When it is to be deleted, by the clock of schedules.
    pub expire_time: Timestamp,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The client's idempotency key, if it sent one.
    pub request: Option<RequestKey>,
    /// The time by the machine's clock.
    pub now: Timestamp,
}

pub(crate) fn back_up_instance(connection: &Connection, accepted: BackUpInstance) -> Result<Operation, BackupError> {
    match request_row::look_up(connection, accepted.request.as_ref(), accepted.now)? {
        Earlier::New => {}
        Earlier::Same(operation) => return Ok(*operation),
        Earlier::Other(reused) => return Err(reused.into()),
    }
    let Some(instance) = instance_row::find(connection, &accepted.name)? else {
        return Err(BackupError::NotFound { name: accepted.name.to_string() });
    };
    if let Some(unfinished) = operation_row::running(connection, instance.uid)?.into_iter().next() {
        return Err(BackupError::Busy { operation: unfinished.id });
    }
    let is_complete = instance.settled.is_some() && instance.lifecycle == Lifecycle::Present;
    if !is_complete || instance.backup.is_some() {
        return Err(BackupError::InstanceNotReady { name: accepted.name });
    }
    if instance.is_changing() {
        return Err(BackupError::GoingBack { name: accepted.name });
    }
    let collection = CollectionName::of(&accepted.name);
    let backup = accepted.backup.unwrap_or_else(|| BackupId::at(accepted.create_time, instance.uid));
    let name = BackupName { collection: collection.clone(), backup };
    if backup_row::find(connection, &name)?.is_some() {
        return Err(BackupError::AlreadyExists { name });
    }
    let new = Backup {
        name,
        uid: accepted.uid,
        instance: accepted.name.clone(),
        instance_uid: instance.uid,
        origin: accepted.origin,
        operation: accepted.operation_id.clone(),
        create_time: accepted.create_time,
        expire_time: accepted.expire_time,
        engine_version: instance.spec.engine_version,
        node_type: instance.spec.node_type,
        shard_count: instance.spec.shard_count,
        replica_count: instance.spec.replica_count,
        state: BackupState::Creating,
        verification: Verification::Never,
    };
    let operation = Operation {
        id: accepted.operation_id,
        verb: Verb::Backup,
        target: OperationTarget::Instance(accepted.name),
        target_uid: instance.uid,
        generation: instance.generation,
        create_time: accepted.now,
        cancel_requested: false,
        state: OperationState::Running,
    };
    operation_row::prune(connection, accepted.now)?;
    note_attempt(connection, &new)?;
    collection_row::ensure(connection, &collection, accepted.collection_uid, instance.uid, accepted.create_time)?;
    backup_row::insert(connection, &new, accepted.now)?;
    operation_row::insert(connection, &operation)?;
    request_row::remember(connection, accepted.request.as_ref(), &operation)?;
    Ok(operation)
}

/// Remembers that what was due was begun: a failure counts as an attempt, and a success is not repeated.
fn note_attempt(connection: &Connection, new: &Backup) -> Result<(), DatabaseError> {
    let BackupOrigin::Automated { due } = new.origin else { return Ok(()) };
    let Some(record) = schedule_row::find(connection, new.instance_uid)? else { return Ok(()) };
    let attempts = if record.last_due == Some(due) { record.attempts + 1 } else { 1 };
    let last_attempt = Some(new.create_time);
    let record = ScheduleRecord { last_due: Some(due), attempts, last_attempt, last_failure: None, ..record };
    schedule_row::save(connection, new.instance_uid, &record)
}
