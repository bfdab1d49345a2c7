//! Progress is recorded on the incarnation it was made on, never on a successor of the same name.

use rusqlite::Connection;
use valkyard_model::{DesiredInstance, InstanceName, Uid};

use crate::error::ProgressError;
use crate::instance_row;

/// The instance, if it is still this incarnation.
pub(super) fn find_incarnation(connection: &Connection, name: &InstanceName, uid: Uid) -> Result<DesiredInstance, ProgressError> {
    let found = instance_row::find(connection, name)?.ok_or_else(|| ProgressError::Gone { name: name.clone() })?;
    if found.uid == uid {
        Ok(found)
    } else {
        Err(ProgressError::Replaced { name: name.clone(), expected: uid, found: found.uid })
    }
}
