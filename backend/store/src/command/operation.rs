//! What clients do to operations themselves: cancel them, remove finished ones.

use rusqlite::Connection;
use valkyard_model::{Convergence, Failure, FailureCode, Lifecycle, Operation, OperationId, OperationState, Verb};

use crate::error::OperationError;
use crate::{instance_row, operation_row};

pub(crate) fn delete_operation(connection: &Connection, id: &OperationId) -> Result<(), OperationError> {
    let found = operation_row::find(connection, id)?.ok_or_else(|| OperationError::NotFound { id: id.clone() })?;
    match found.state {
        OperationState::Running => Err(OperationError::Running { id: id.clone() }),
        OperationState::Succeeded { .. } | OperationState::Failed { .. } => Ok(operation_row::remove(connection, id)?),
    }
}

/// A creation that has never converged is given up; its operation ends when nothing of the instance is left. Updates and
/// deletions go on: only the wish is noted. A finished operation stays as it is.
pub(crate) fn request_cancel(connection: &Connection, id: &OperationId) -> Result<Operation, OperationError> {
    let mut operation = operation_row::find(connection, id)?.ok_or_else(|| OperationError::NotFound { id: id.clone() })?;
    match operation.state {
        OperationState::Succeeded { .. } | OperationState::Failed { .. } => return Ok(operation),
        OperationState::Running => {}
    }
    operation_row::mark_cancel_requested(connection, id)?;
    operation.cancel_requested = true;
    match operation.verb {
        Verb::Create => give_up_creation(connection, &operation)?,
        Verb::Update | Verb::Delete => {}
    }
    Ok(operation)
}

fn give_up_creation(connection: &Connection, operation: &Operation) -> Result<(), OperationError> {
    let found = instance_row::find(connection, &operation.target)?;
    let Some(mut instance) = found.filter(|instance| instance.uid == operation.target_uid) else {
        return Ok(());
    };
    match (&instance.lifecycle, instance.convergence) {
        (Lifecycle::Present, Convergence::Never) => {
            let message = "the creation was cancelled on request; what was made is removed".to_owned();
            instance.lifecycle = Lifecycle::Abandoned { failure: Failure { code: FailureCode::Cancelled, message } };
            Ok(instance_row::save(connection, &instance)?)
        }
        (Lifecycle::Present, Convergence::At { .. }) | (Lifecycle::Deleting | Lifecycle::Abandoned { .. }, _) => Ok(()),
    }
}
