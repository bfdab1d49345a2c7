//! Setting nodes aside: serials, identities and ports are durable before anything is done with them.

use rusqlite::Connection;
use valkyard_model::{DesiredInstance, InstanceName, NodeAllocation, NodeSerial, Port, Uid};

use super::incarnation::find_incarnation;
use crate::error::ProgressError;
use crate::instance_row;

pub(crate) fn allocate_nodes(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    nodes: Vec<NodeAllocation>,
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    let first_new = instance.next_serial;
    for node in nodes {
        allocate(&mut instance, first_new, node)?;
    }
    Ok(instance_row::save(connection, &instance)?)
}

fn allocate(instance: &mut DesiredInstance, first_new: NodeSerial, node: NodeAllocation) -> Result<(), ProgressError> {
    let serial = node.serial;
    if let Some(known) = instance.nodes.get(&serial) {
        return if *known == node { Ok(()) } else { Err(ProgressError::AllocationConflict { serial }) };
    }
    if serial < first_new {
        return Err(ProgressError::SerialSpent { serial });
    }
    let ports = |node: &NodeAllocation| -> [Port; 2] { [node.port, node.bus_port] };
    let taken = instance.nodes.values().flat_map(ports).any(|port| ports(&node).contains(&port));
    if taken || node.port == node.bus_port {
        return Err(ProgressError::AllocationConflict { serial });
    }
    instance.next_serial = instance.next_serial.max(NodeSerial(serial.0 + 1));
    instance.nodes.insert(serial, node);
    Ok(())
}
