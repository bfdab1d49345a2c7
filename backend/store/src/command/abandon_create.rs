//! Giving up a creation. Its operation ends when the record goes.

use rusqlite::Connection;
use valkyard_model::{Convergence, Failure, InstanceName, Lifecycle, Replication, Timestamp, Uid};

use super::incarnation::find_incarnation;
use super::replication;
use crate::error::ProgressError;
use crate::instance_row;

/// Does nothing for an instance that is on its way out already.
pub(crate) fn abandon_create(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    failure: Failure,
    now: Timestamp,
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    match (&instance.lifecycle, instance.convergence) {
        (Lifecycle::Deleting | Lifecycle::Abandoned { .. }, _) => Ok(()),
        (Lifecycle::Present, Convergence::At { .. }) => Err(ProgressError::AlreadyCreated { name: name.clone() }),
        (Lifecycle::Present, Convergence::Never) => {
            replication::leave(connection, &instance, now)?;
            instance.replication = Replication::default();
            instance.lifecycle = Lifecycle::Abandoned { failure };
            Ok(instance_row::save(connection, &instance)?)
        }
    }
}
