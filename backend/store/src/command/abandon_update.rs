//! Giving up a change of nodes: the instance goes back to what it was when it was last complete, as a change of its own.

use rusqlite::Connection;
use valkyard_model::{DesiredInstance, Failure, InstanceName, Lifecycle, Settled, Timestamp, Uid, Verb};

use super::incarnation::find_incarnation;
use crate::error::{DatabaseError, ProgressError};
use crate::{instance_row, operation_row};

pub(crate) fn abandon_update(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), ProgressError> {
    let instance = find_incarnation(connection, name, uid)?;
    Ok(return_to_settled(connection, instance, failure, now)?)
}

/// Does nothing where the settled nodes are asked for already: a change that concerns none of them cannot fail.
pub(super) fn return_to_settled(
    connection: &Connection,
    mut instance: DesiredInstance,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    match instance.lifecycle {
        Lifecycle::Deleting | Lifecycle::Abandoned { .. } => return Ok(()),
        Lifecycle::Present => {}
    }
    let Some(Settled { spec, maxmemory }) = instance.settled.clone() else {
        return Ok(());
    };
    if instance.spec.asks_same_nodes(&spec) {
        return Ok(());
    }
    instance.spec = spec;
    instance.maxmemory = maxmemory;
    instance.generation = instance.generation.next();
    instance.shape_generation = instance.generation;
    instance.update_time = now;
    instance_row::save(connection, &instance)?;
    for operation in operation_row::running(connection, instance.uid)? {
        match operation.verb {
            Verb::Update => operation_row::fail(connection, &operation.id, now, failure)?,
            Verb::Create | Verb::Delete | Verb::Backup | Verb::Export | Verb::Verify => {}
        }
    }
    Ok(())
}
