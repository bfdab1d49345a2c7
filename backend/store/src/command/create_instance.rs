//! Accepting an instance: its record, its address and its create operation.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use valkyard_model::{
    AdminSecret, ByteSize, Convergence, DesiredInstance, Generation, ImportSource, InstanceAddress, InstanceName, InstanceSpec,
    Lifecycle, Member, NodeSerial, Operation, OperationId, OperationState, OperationTarget, Replication, ScheduleRecord,
    Timestamp, Uid, Verb,
};

use super::RequestKey;
use super::replication::{self, Follow};
use crate::address::{self, AddressPlan, Allocation, Occupied};
use crate::error::CreateError;
use crate::request_row::{self, Earlier};
use crate::{backup_row, instance_row, operation_row, schedule_row};

/// A creation to accept.
#[derive(Clone, Debug)]
pub struct CreateInstance {
    /// The name.
    pub name: InstanceName,
    /// A random uid.
    pub uid: Uid,
    /// The validated spec.
    pub spec: InstanceSpec,
    /// Whom it is to follow; its first data comes from there, too.
    pub follow: Option<Follow>,
    /// Memory for data on each node.
    pub maxmemory: ByteSize,
    /// A random secret.
    pub secret: AdminSecret,
    /// How it is given an address.
    pub address_plan: AddressPlan,
    /// Id for the operation.
    pub operation_id: OperationId,
    /// The client's idempotency key, if it sent one.
    pub request: Option<RequestKey>,
    /// The time by the clock of schedules.
    pub at: Timestamp,
    /// The time by the machine's clock.
    pub now: Timestamp,
}

/// The serial of an instance's first node.
const FIRST_SERIAL: NodeSerial = NodeSerial(0);

pub(crate) fn create_instance(
    connection: &Connection,
    create: CreateInstance,
    is_free: impl Fn(&InstanceAddress) -> bool,
) -> Result<Operation, CreateError> {
    match request_row::look_up(connection, create.request.as_ref(), create.now)? {
        Earlier::New => {}
        Earlier::Same(operation) => return Ok(*operation),
        Earlier::Other(reused) => return Err(reused.into()),
    }
    if instance_row::find(connection, &create.name)?.is_some() {
        return Err(CreateError::AlreadyExists { name: create.name });
    }
    if let Some(ImportSource::Backup(name)) = &create.spec.import
        && !backup_row::find(connection, name)?.is_some_and(|backup| backup.is_active())
    {
        return Err(CreateError::NoBackup { name: name.clone() });
    }
    let joining = Member { name: create.name.clone(), uid: create.uid };
    let replication = match &create.follow {
        Some(follow) => replication::join(connection, follow, joining, create.now)?,
        None => Replication::default(),
    };
    let place = match address::allocate(connection, create.address_plan, is_free)? {
        Allocation::Free(place) => place,
        Allocation::Occupied(Occupied { tried, first, last }) => {
            let (first, last) = (first.discovery_endpoint(), last.discovery_endpoint());
            return Err(CreateError::AddressesOccupied { tried, first, last });
        }
        Allocation::Exhausted { in_use } => return Err(CreateError::AddressesExhausted { in_use }),
    };
    let operation = Operation {
        id: create.operation_id,
        verb: Verb::Create,
        target: OperationTarget::Instance(create.name.clone()),
        target_uid: create.uid,
        generation: Generation::FIRST,
        create_time: create.now,
        cancel_requested: false,
        state: OperationState::Running,
    };
    let accepted = DesiredInstance {
        name: create.name,
        uid: create.uid,
        generation: Generation::FIRST,
        shape_generation: Generation::FIRST,
        convergence: Convergence::Never,
        lifecycle: Lifecycle::Present,
        spec: create.spec,
        settled: None,
        zones_out: BTreeSet::new(),
        losses: Vec::new(),
        maxmemory: create.maxmemory,
        address: place.address,
        nodes: BTreeMap::new(),
        next_serial: FIRST_SERIAL,
        secret: create.secret,
        backup: None,
        has_backups: false,
        replication,
        create_time: create.now,
        update_time: create.now,
    };
    let schedule = ScheduleRecord { since: Some(create.at), ..ScheduleRecord::default() };
    operation_row::prune(connection, create.now)?;
    instance_row::insert(connection, &accepted, &place)?;
    schedule_row::save(connection, accepted.uid, &schedule)?;
    operation_row::insert(connection, &operation)?;
    request_row::remember(connection, create.request.as_ref(), &operation)?;
    Ok(operation)
}
