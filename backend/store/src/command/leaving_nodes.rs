//! Nodes that leave an instance: first chosen, and much later, when nothing is left of them, released.

use rusqlite::Connection;
use valkyard_model::{DesiredInstance, InstanceName, NodeSerial, Standing, Uid};

use super::incarnation::find_incarnation;
use crate::error::ProgressError;
use crate::instance_row;

pub(crate) fn retire_nodes(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    nodes: &[NodeSerial],
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    check_allocated_once(&instance, nodes)?;
    for serial in nodes {
        if let Some(node) = instance.nodes.get_mut(serial) {
            node.standing = Standing::Retiring;
        }
    }
    Ok(instance_row::save(connection, &instance)?)
}

pub(crate) fn release_nodes(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    nodes: &[NodeSerial],
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    check_allocated_once(&instance, nodes)?;
    for serial in nodes {
        match instance.nodes.remove(serial).map(|node| node.standing) {
            Some(Standing::Member) => return Err(ProgressError::StillMember { serial: *serial }),
            Some(Standing::Retiring) | None => {}
        }
    }
    Ok(instance_row::save(connection, &instance)?)
}

/// Numbers are given out in order: one that is not there now but is below the next was released.
fn check_allocated_once(instance: &DesiredInstance, nodes: &[NodeSerial]) -> Result<(), ProgressError> {
    let unallocated = nodes.iter().find(|serial| **serial >= instance.next_serial);
    unallocated.map_or(Ok(()), |serial| Err(ProgressError::Unallocated { serial: *serial }))
}
