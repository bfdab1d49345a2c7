//! Accepting a deletion. Deleting is a state until the reconciler has seen that nothing is left; what was under way is
//! overtaken at once.

use rusqlite::Connection;
use valkyard_model::{
    DesiredInstance, Failure, FailureCode, InstanceName, Lifecycle, Operation, OperationId, OperationState, OperationTarget,
    Replication, Role, Timestamp, Verb,
};

use super::{RequestKey, replication};
use crate::error::{DatabaseError, DeleteError};
use crate::request_row::{self, Earlier};
use crate::{instance_row, operation_row};

/// A deletion to accept.
#[derive(Clone, Debug)]
pub struct DeleteInstance {
    /// The name.
    pub name: InstanceName,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The client's idempotency key, if it sent one.
    pub request: Option<RequestKey>,
    /// The time.
    pub now: Timestamp,
}

pub(crate) fn delete_instance(connection: &Connection, delete: DeleteInstance) -> Result<Operation, DeleteError> {
    match request_row::look_up(connection, delete.request.as_ref(), delete.now)? {
        Earlier::New => {}
        Earlier::Same(operation) => return Ok(*operation),
        Earlier::Other(reused) => return Err(reused.into()),
    }
    let Some(mut instance) = instance_row::find(connection, &delete.name)? else {
        return Err(DeleteError::NotFound { name: delete.name });
    };
    if instance.spec.deletion_protection {
        return Err(DeleteError::Protected { name: delete.name });
    }
    let unfinished = operation_row::running(connection, instance.uid)?;
    if let Some(deletion) = unfinished.iter().find(|operation| operation.verb == Verb::Delete) {
        return Err(DeleteError::AlreadyDeleting { operation: deletion.id.clone() });
    }
    match &instance.replication.role {
        Role::Primary { .. } => return Err(DeleteError::HasSecondaries { name: delete.name }),
        Role::None | Role::Secondary { .. } | Role::Leaving => replication::leave(connection, &instance, delete.now)?,
    }
    instance.replication = Replication::default();
    end_overtaken(connection, &instance, &unfinished, &delete)?;
    instance.lifecycle = Lifecycle::Deleting;
    instance.generation = instance.generation.next();
    instance.update_time = delete.now;
    let operation = Operation {
        id: delete.operation_id,
        verb: Verb::Delete,
        target: OperationTarget::Instance(delete.name),
        target_uid: instance.uid,
        generation: instance.generation,
        create_time: delete.now,
        cancel_requested: false,
        state: OperationState::Running,
    };
    operation_row::prune(connection, delete.now)?;
    instance_row::save(connection, &instance)?;
    operation_row::insert(connection, &operation)?;
    request_row::remember(connection, delete.request.as_ref(), &operation)?;
    Ok(operation)
}

/// Ends what the deletion overtakes. A creation that was given up before keeps the reason it was given up for.
fn end_overtaken(
    connection: &Connection,
    instance: &DesiredInstance,
    unfinished: &[Operation],
    delete: &DeleteInstance,
) -> Result<(), DatabaseError> {
    let overtaken = Failure {
        code: FailureCode::Aborted,
        message: format!("overtaken by the deletion of the instance (operation {})", delete.operation_id),
    };
    let failure = match &instance.lifecycle {
        Lifecycle::Abandoned { failure } => failure,
        Lifecycle::Present | Lifecycle::Deleting => &overtaken,
    };
    for operation in unfinished {
        operation_row::fail(connection, &operation.id, delete.now, failure)?;
    }
    Ok(())
}
