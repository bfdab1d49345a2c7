//! What clients do to operations themselves: cancel them, remove finished ones.

use rusqlite::Connection;
use valkyard_model::{
    Convergence, Failure, FailureCode, Lifecycle, Operation, OperationId, OperationState, Replication, Timestamp, Verb,
};

use super::abandon_update::return_to_settled;
use super::{replication, switchover};
use crate::error::OperationError;
use crate::{backup_row, instance_row, operation_row};

pub(crate) fn delete_operation(connection: &Connection, id: &OperationId) -> Result<(), OperationError> {
    let found = operation_row::find(connection, id)?.ok_or_else(|| OperationError::NotFound { id: id.clone() })?;
    match found.state {
        OperationState::Running => Err(OperationError::Running { id: id.clone() }),
        OperationState::Succeeded { .. } | OperationState::Failed { .. } => Ok(operation_row::remove(connection, id)?),
    }
}

/// A creation that has never converged is given up; its operation ends when nothing of the instance is left. An update that
/// changes nodes ends at once, and the instance goes back to what it was. A backup in the making is stopped by its instance's loop, an export or
/// verification by the keeper of backups. Deletions and updates that concern no node go on: only the wish is noted. A finished operation stays as it is.
pub(crate) fn request_cancel(connection: &Connection, id: &OperationId, now: Timestamp) -> Result<Operation, OperationError> {
    let operation = operation_row::find(connection, id)?.ok_or_else(|| OperationError::NotFound { id: id.clone() })?;
    match operation.state {
        OperationState::Succeeded { .. } | OperationState::Failed { .. } => return Ok(operation),
        OperationState::Running => {}
    }
    operation_row::mark_cancel_requested(connection, id)?;
    match operation.verb {
        Verb::Create => give_up_creation(connection, &operation, now)?,
        Verb::Update => give_up_update(connection, &operation, now)?,
        Verb::Backup => backup_row::cancel_making(connection, operation.target_uid)?,
        Verb::Delete | Verb::Export | Verb::Verify => {}
    }
    operation_row::find(connection, id)?.ok_or_else(|| OperationError::NotFound { id: id.clone() })
}

fn give_up_creation(connection: &Connection, operation: &Operation, now: Timestamp) -> Result<(), OperationError> {
    let Some(name) = operation.target.instance() else { return Ok(()) };
    let found = instance_row::find(connection, name)?;
    let Some(mut instance) = found.filter(|instance| instance.uid == operation.target_uid) else {
        return Ok(());
    };
    match (&instance.lifecycle, instance.convergence) {
        (Lifecycle::Present, Convergence::Never) => {
            let message = "the creation was cancelled on request; what was made is removed".to_owned();
            replication::leave(connection, &instance, now)?;
            instance.replication = Replication::default();
            instance.lifecycle = Lifecycle::Abandoned { failure: Failure { code: FailureCode::Cancelled, message } };
            Ok(instance_row::save(connection, &instance)?)
        }
        (Lifecycle::Present, Convergence::At { .. }) | (Lifecycle::Deleting | Lifecycle::Abandoned { .. }, _) => Ok(()),
    }
}

fn give_up_update(connection: &Connection, operation: &Operation, now: Timestamp) -> Result<(), OperationError> {
    let Some(name) = operation.target.instance() else { return Ok(()) };
    let found = instance_row::find(connection, name)?;
    let Some(instance) = found.filter(|instance| instance.uid == operation.target_uid) else {
        return Ok(());
    };
    let message = "the update was cancelled on request; the instance goes back to what it was before".to_owned();
    let failure = Failure { code: FailureCode::Cancelled, message };
    switchover::give_up(connection, instance.clone(), &failure, now)?;
    Ok(return_to_settled(connection, instance, &failure, now)?)
}
