//! Removing the record of an instance of which nothing is left: frees its name and address, ends its operations.

use rusqlite::Connection;
use valkyard_model::{Failure, FailureCode, InstanceName, Lifecycle, Timestamp, Uid, Verb};

use super::incarnation::find_incarnation;
use crate::error::ProgressError;
use crate::{instance_row, operation_row};

/// Does nothing when the record is gone already.
pub(crate) fn remove_instance(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    now: Timestamp,
) -> Result<(), ProgressError> {
    if instance_row::find(connection, name)?.is_none() {
        return Ok(());
    }
    let instance = find_incarnation(connection, name, uid)?;
    let failure = match instance.lifecycle {
        Lifecycle::Present => return Err(ProgressError::StillWanted { name: name.clone() }),
        Lifecycle::Abandoned { failure } => failure,
        Lifecycle::Deleting => {
            Failure { code: FailureCode::Aborted, message: "overtaken by the deletion of the instance".to_owned() }
        }
    };
    for operation in operation_row::running(connection, uid)? {
        match operation.verb {
            Verb::Create | Verb::Update | Verb::Backup | Verb::Export | Verb::Verify => {
                operation_row::fail(connection, &operation.id, now, &failure)?
            }
            Verb::Delete => operation_row::succeed(connection, &operation.id, now, None)?,
        }
    }
    Ok(instance_row::remove(connection, uid)?)
}
