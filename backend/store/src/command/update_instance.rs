//! Accepting a change: the new spec, the next generation and its operation.

use rusqlite::Connection;
use valkyard_model::{
    ByteSize, DesiredInstance, Generation, InstanceName, InstanceSpec, Operation, OperationId, OperationState, OperationTarget,
    Role, ScheduleRecord, Timestamp, Uid, Verb,
};

use super::{RequestKey, replication, switchover};
use crate::error::{DatabaseError, UpdateError};
use crate::request_row::{self, Earlier};
use crate::role_refusal::RoleRefusal;
use crate::{instance_row, operation_row, schedule_row};

/// What an update changes in a replication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RoleChange {
    /// Nothing.
    #[default]
    None,
    /// These secondaries follow nobody any more: others, or the instance itself.
    Detach(Vec<InstanceName>),
    /// The instance becomes the primary, and its primary a secondary.
    SwitchOver,
}

/// A change to accept.
#[derive(Clone, Debug)]
pub struct UpdateInstance {
    /// The name.
    pub name: InstanceName,
    /// The generation the spec was derived from.
    pub expected_generation: Generation,
    /// The role that was looked at: it says what may be changed, and changes without a generation.
    pub expected_role: Role,
    /// The validated spec.
    pub spec: InstanceSpec,
    /// Memory for data on each node; not looked at where the spec asks for the same nodes as before.
    pub maxmemory: ByteSize,
    /// What changes in the replication that it is a member of.
    pub roles: RoleChange,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The client's idempotency key, if it sent one.
    pub request: Option<RequestKey>,
    /// The time by the clock of schedules.
    pub at: Timestamp,
    /// The time by the machine's clock.
    pub now: Timestamp,
}

pub(crate) fn update_instance(connection: &Connection, update: UpdateInstance) -> Result<Operation, UpdateError> {
    match request_row::look_up(connection, update.request.as_ref(), update.now)? {
        Earlier::New => {}
        Earlier::Same(operation) => return Ok(*operation),
        Earlier::Other(reused) => return Err(reused.into()),
    }
    let Some(mut instance) = instance_row::find(connection, &update.name)? else {
        return Err(UpdateError::NotFound { name: update.name });
    };
    if let Some(unfinished) = operation_row::running(connection, instance.uid)?.into_iter().next() {
        return Err(UpdateError::Busy { operation: unfinished.id });
    }
    if instance.generation != update.expected_generation || instance.replication.role != update.expected_role {
        return Err(UpdateError::Conflict { expected: update.expected_generation, found: instance.generation });
    }
    replication::refuse_switching(&instance)?;
    if instance.is_changing() && !update.spec.asks_same_nodes(&instance.spec) {
        return Err(UpdateError::GoingBack);
    }
    instance.generation = instance.generation.next();
    if !update.spec.asks_same_nodes(&instance.spec) {
        instance.shape_generation = instance.generation;
        instance.maxmemory = update.maxmemory;
    }
    change_roles(connection, &mut instance, &update)?;
    if !update.spec.automated_backups.is_due_like(instance.spec.automated_backups) {
        restart_schedule(connection, instance.uid, update.at)?;
    }
    instance.spec = update.spec;
    instance.update_time = update.now;
    let operation = Operation {
        id: update.operation_id,
        verb: Verb::Update,
        target: OperationTarget::Instance(update.name),
        target_uid: instance.uid,
        generation: instance.generation,
        create_time: update.now,
        cancel_requested: false,
        state: OperationState::Running,
    };
    operation_row::prune(connection, update.now)?;
    instance_row::save(connection, &instance)?;
    operation_row::insert(connection, &operation)?;
    request_row::remember(connection, update.request.as_ref(), &operation)?;
    Ok(operation)
}

fn change_roles(connection: &Connection, instance: &mut DesiredInstance, update: &UpdateInstance) -> Result<(), RoleRefusal> {
    let detached = match &update.roles {
        RoleChange::None => return Ok(()),
        RoleChange::SwitchOver => return switchover::begin(connection, instance, update.now),
        RoleChange::Detach(detached) => detached,
    };
    if detached.contains(&update.name) {
        replication::detach(connection, instance, update.now)?;
        instance.shape_generation = instance.generation;
    }
    for other in detached.iter().filter(|name| **name != update.name) {
        replication::detach_other(connection, other, update.now)?;
        // Its list is written with theirs.
        instance.replication = instance_row::find(connection, &update.name)?.unwrap_or(instance.clone()).replication;
    }
    Ok(())
}

/// A new schedule makes up for nothing that was due before it.
fn restart_schedule(connection: &Connection, uid: Uid, at: Timestamp) -> Result<(), DatabaseError> {
    let Some(record) = schedule_row::find(connection, uid)? else { return Ok(()) };
    schedule_row::save(connection, uid, &ScheduleRecord { since: Some(at), attempts: 0, last_failure: None, ..record })
}
