//! Recording that a generation was seen complete, which ends the operations up to it.

use rusqlite::Connection;
use valkyard_model::{
    Convergence, Generation, InstanceName, Lifecycle, Operation, OperationResult, Settled, Timestamp, Uid, Verb,
};

use super::incarnation::find_incarnation;
use crate::error::ProgressError;
use crate::{instance_row, operation_row};

/// Does nothing for an instance that is on its way out: its operations end otherwise, and the look that found it complete
/// may have begun before it was given up.
pub(crate) fn record_converged(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    generation: Generation,
    now: Timestamp,
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    if generation > instance.generation {
        return Err(ProgressError::Unaccepted { generation, accepted: instance.generation });
    }
    match instance.lifecycle {
        Lifecycle::Deleting | Lifecycle::Abandoned { .. } => return Ok(()),
        Lifecycle::Present => {}
    }
    if !instance.convergence.has_reached(generation) {
        instance.convergence = Convergence::At { generation };
        // A look that began before the nodes were asked to change says nothing of the present spec.
        if generation >= instance.shape_generation {
            instance.settled = Some(Settled { spec: instance.spec.clone(), maxmemory: instance.maxmemory });
        }
        instance_row::save(connection, &instance)?;
    }
    let result = OperationResult::Instance(Box::new(instance));
    for operation in operation_row::running(connection, uid)? {
        if is_done(&operation, generation) {
            operation_row::succeed(connection, &operation.id, now, Some(&result))?;
        }
    }
    Ok(())
}

fn is_done(operation: &Operation, generation: Generation) -> bool {
    match operation.verb {
        Verb::Create | Verb::Update => operation.generation <= generation,
        Verb::Delete | Verb::Backup | Verb::Export | Verb::Verify => false,
    }
}
