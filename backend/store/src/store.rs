//! The handle: one async method per transaction.

use std::path::PathBuf;

use valkyard_model::{
    DataLoss, DesiredInstance, Failure, Generation, InstanceAddress, InstanceName, NodeAllocation, NodeSerial, Operation,
    OperationId, Timestamp, Uid, Zone,
};

use crate::command::{self, CreateInstance, DeleteInstance, RequestKey, UpdateInstance};
use crate::error::{CreateError, DatabaseError, DeleteError, OperationError, ProgressError, StoreError, UpdateError};
use crate::query::{self, InstanceOrder, Scope};
use crate::request_row::{self, Earlier};
use crate::reserve::Reserve;
use crate::schema::{self, MIGRATIONS};
use crate::session::Session;
use crate::thread::{Queue, StoreThreads};
use crate::zone_outage::{self, OutageManner, ZoneOutage};
use crate::{instance_row, operation_row};

/// Where a store keeps its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// In this file, whose folder exists.
    File(PathBuf),
    /// In memory: gone with the process.
    Memory,
}

/// A cheap handle to the durable state; clones share it. Every write is on disk when its method returns. A method's future
/// may be dropped midway: a request that was queued is carried out all the same.
///
/// On a full disk whatever is new is refused with [`DatabaseError::DiskFull`]; deleting, cancelling, giving up, removing and
/// recording completion go on for as long as the reserve beside the file lasts.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) writer: Queue,
    pub(crate) reader: Queue,
}

impl Store {
    /// Opens a store, creating or migrating its file if needed. Blocks: for use at start.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(location: StoreLocation) -> Result<(Self, StoreThreads), StoreError> {
        match location {
            StoreLocation::Memory => {
                let (queue, thread) = Queue::start("store", Session::new(schema::open_memory()?), None)?;
                Ok((Self { writer: queue.clone(), reader: queue }, StoreThreads::new(thread)))
            }
            StoreLocation::File(path) => {
                let writing = schema::open_file(&path, MIGRATIONS)?;
                let (reader, thread) = Queue::start("store-reader", Session::new(schema::open_reader(&path)?), None)?;
                let writing = Session::with_reserve(writing, Reserve::beside(&path));
                let (writer, thread) = Queue::start("store-writer", writing, Some(thread))?;
                Ok((Self { writer, reader }, StoreThreads::new(thread)))
            }
        }
    }

    /// Accepts a creation: record, address and operation. The same request within 24 h returns the first operation.
    /// `is_free` tells whether another program has an address; it is asked on the store's thread and must be quick.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub async fn create_instance(
        &self,
        create: CreateInstance,
        is_free: impl Fn(&InstanceAddress) -> bool + Send + 'static,
    ) -> Result<Operation, CreateError> {
        self.writer.write(move |tx| command::create_instance(tx, create, is_free)).await
    }

    /// Accepts a new spec: generation and operation. The same request within 24 h returns the first operation.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn update_instance(&self, update: UpdateInstance) -> Result<Operation, UpdateError> {
        self.writer.write(move |tx| command::update_instance(tx, update)).await
    }

    /// Accepts a deletion; a creation or update under way ends as aborted. The same request within 24 h returns the first
    /// operation.
    ///
    /// # Errors
    /// See [`DeleteError`].
    pub async fn delete_instance(&self, delete: DeleteInstance) -> Result<Operation, DeleteError> {
        self.writer.write_way_out(move |tx| command::delete_instance(tx, delete.clone())).await
    }

    /// The operation that the same request led to within 24 h; nothing for one that is new, or was used for something else.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn operation_of(&self, request: &RequestKey, now: Timestamp) -> Result<Option<Operation>, DatabaseError> {
        let request = request.clone();
        self.writer
            .write(move |tx| match request_row::look_up(tx, Some(&request), now)? {
                Earlier::Same(operation) => Ok(Some(*operation)),
                Earlier::New | Earlier::Other(_) => Ok(None),
            })
            .await
    }

    /// The instance with this name, deleting and abandoned ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn instance(&self, name: &InstanceName) -> Result<Option<DesiredInstance>, DatabaseError> {
        let name = name.clone();
        self.reader.read(move |connection| instance_row::find(connection, &name)).await
    }

    /// One page of instances, deleting and abandoned ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn instances(
        &self,
        scope: &Scope,
        order: InstanceOrder,
        limit: u32,
    ) -> Result<Vec<DesiredInstance>, DatabaseError> {
        let scope = scope.clone();
        self.reader.read(move |connection| query::instances(connection, &scope, &order, limit)).await
    }

    /// The names of all instances.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_names(&self) -> Result<Vec<InstanceName>, DatabaseError> {
        self.reader.read(query::all_names).await
    }

    /// The operation with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Operation>, DatabaseError> {
        let id = id.clone();
        self.reader.read(move |connection| operation_row::find(connection, &id)).await
    }

    /// One page of operations, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn operations(
        &self,
        scope: &Scope,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, DatabaseError> {
        let scope = scope.clone();
        self.reader.read(move |connection| query::operations(connection, &scope, after.as_ref(), limit)).await
    }

    /// Forgets a finished operation.
    ///
    /// # Errors
    /// See [`OperationError`].
    pub async fn delete_operation(&self, id: &OperationId) -> Result<(), OperationError> {
        let id = id.clone();
        self.writer.write(move |tx| command::delete_operation(tx, &id)).await
    }

    /// Notes that a client wants an operation cancelled. A running creation is given up: its operation ends as cancelled once
    /// nothing of the instance is left. A running update that changes nodes ends as cancelled at once, and the instance goes
    /// back to what it was. Any other operation goes on. Returns the operation as it is now.
    ///
    /// # Errors
    /// See [`OperationError`].
    pub async fn request_cancel(&self, id: &OperationId, now: Timestamp) -> Result<Operation, OperationError> {
        let id = id.clone();
        self.writer.write_way_out(move |tx| command::request_cancel(tx, &id, now)).await
    }

    /// Sets nodes aside. Idempotent.
    ///
    /// # Errors
    /// See [`ProgressError`]; then none of them is set aside.
    pub async fn allocate_nodes(&self, name: &InstanceName, uid: Uid, nodes: Vec<NodeAllocation>) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write(move |tx| command::allocate_nodes(tx, &name, uid, nodes)).await
    }

    /// Records that this generation was seen complete, and ends the operations up to it. Idempotent; never goes backwards;
    /// does nothing for an instance that is being removed.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn record_converged(
        &self,
        name: &InstanceName,
        uid: Uid,
        generation: Generation,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::record_converged(tx, &name, uid, generation, now)).await
    }

    /// Gives up a creation that has never converged; its operation ends when the record goes. Idempotent; does nothing for an
    /// instance that is being removed.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn abandon_create(
        &self,
        name: &InstanceName,
        uid: Uid,
        failure: Failure,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::abandon_create(tx, &name, uid, failure.clone(), now)).await
    }

    /// Gives up a change of nodes: the instance goes back to what it was when it was last complete, and the updates under
    /// way end as failed. Does nothing where no change of nodes is asked for, hence is idempotent, or where the instance is
    /// being created or removed.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn abandon_update(
        &self,
        name: &InstanceName,
        uid: Uid,
        failure: Failure,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::abandon_update(tx, &name, uid, &failure, now)).await
    }

    /// Chooses nodes to leave. Idempotent; nodes that were released already are passed over.
    ///
    /// # Errors
    /// See [`ProgressError`]; then none of them is chosen.
    pub async fn retire_nodes(&self, name: &InstanceName, uid: Uid, nodes: Vec<NodeSerial>) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::retire_nodes(tx, &name, uid, &nodes)).await
    }

    /// Removes the allocations of nodes that were chosen to leave; their ports are free again, their numbers are not.
    /// Idempotent.
    ///
    /// # Errors
    /// See [`ProgressError`]; then none of them is removed.
    pub async fn release_nodes(&self, name: &InstanceName, uid: Uid, nodes: Vec<NodeSerial>) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::release_nodes(tx, &name, uid, &nodes)).await
    }

    /// Records that a shard lost data. Idempotent for the same loss; the last hundred losses are kept.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn record_data_loss(&self, name: &InstanceName, uid: Uid, loss: DataLoss) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::record_data_loss(tx, &name, uid, loss)).await
    }

    /// Takes a zone away from every instance of its location. Where it was taken away before, only the manner changes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_zone_outage(&self, zone: &Zone, manner: OutageManner, now: Timestamp) -> Result<(), DatabaseError> {
        let zone = zone.clone();
        self.writer.write(move |tx| command::set_zone_outage(tx, &zone, manner, now)).await
    }

    /// Gives a zone back. Returns the outage that ended, if there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_zone_outage(&self, zone: &Zone) -> Result<Option<ZoneOutage>, DatabaseError> {
        let zone = zone.clone();
        self.writer.write_way_out(move |tx| command::end_zone_outage(tx, &zone)).await
    }

    /// Every zone that was taken away, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn zone_outages(&self) -> Result<Vec<ZoneOutage>, DatabaseError> {
        self.reader.read(zone_outage::all).await
    }

    /// Removes the record of an instance of which nothing is left, frees its name and address, and ends its operations.
    /// Idempotent.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn remove_instance(&self, name: &InstanceName, uid: Uid, now: Timestamp) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::remove_instance(tx, &name, uid, now)).await
    }
}
