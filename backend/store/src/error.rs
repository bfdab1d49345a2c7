//! Errors of the store: one enum for opening it, one per kind of transaction, and one for the database beneath.

use std::error::Error;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use crate::role_refusal::RoleRefusal;

use valkyard_model::{BackupName, Generation, InstanceName, NodeSerial, OperationId, RequestId, Uid};

/// Why a store cannot be opened. Nothing in the file was changed, unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be created or opened.
    #[error("failed to open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A later Valkyard has written the file.
    #[error(
        "the database {} has schema version {found}, written by valkyard {written_by}; this build knows versions up to {known}: start that version of valkyard, or restore a copy with an older schema (valkyard.db.v*.bak)",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest schema version of this build.
        known: u32,
        /// The version of Valkyard that wrote it.
        written_by: String,
    },
    /// The file is no database, or its content is damaged.
    #[error(
        "the database {} is damaged ({detail}): restore a copy of it, or move it away to start without any instance",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What the check found.
        detail: String,
    },
    /// The file is a database of another program.
    #[error("{} is a database of another program: choose another data directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The copy before a migration cannot be made; the migration was not begun.
    #[error("failed to copy the database to {} before migrating it", path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A migration failed; the file has the version before it.
    #[error("failed to migrate the database {} to schema version {version}", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// The version that could not be reached.
        version: u32,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A thread cannot be started.
    #[error("failed to start the database thread")]
    Thread(#[source] std::io::Error),
}

/// A failure beneath a transaction; the transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The store's thread has ended.
    #[error("the store is closed")]
    Closed,
    /// No space is left for the database.
    #[error("no space left for the database")]
    DiskFull(#[source] rusqlite::Error),
    /// The database refused.
    #[error("the database failed")]
    Sql(#[source] rusqlite::Error),
    /// A stored value cannot be read back.
    #[error("the stored {what} cannot be read")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error();
        // The index of the log lives beside it and grows with it; SQLite has an error of its own for no room for that.
        let is_full = code.is_some_and(|code| {
            code.code == rusqlite::ErrorCode::DiskFull || code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
        });
        if is_full { Self::DiskFull(error) } else { Self::Sql(error) }
    }
}

/// Whether a command failed because the disk is full, whichever command it was.
pub(crate) fn is_disk_full(error: &(dyn Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.filter_map(|error| error.downcast_ref()).any(|error| matches!(error, DatabaseError::DiskFull(_)))
}

/// Why an instance is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is taken.
    #[error("instance {name} already exists")]
    AlreadyExists {
        /// The name.
        name: InstanceName,
    },
    /// The backup that it is to begin with is not there, or not complete.
    #[error("there is no complete backup {name}")]
    NoBackup {
        /// The backup.
        name: BackupName,
    },
    /// The replication does not take it in.
    #[error(transparent)]
    Role(#[from] RoleRefusal),
    /// Every address is taken.
    #[error("all {in_use} instance addresses of this machine are in use: delete an instance first")]
    AddressesExhausted {
        /// How many there are.
        in_use: u32,
    },
    /// Other programs have every address that was tried.
    #[error("other programs listen on all {tried} instance addresses that were tried, {first} to {last}")]
    AddressesOccupied {
        /// How many were tried.
        tried: u32,
        /// The discovery endpoint of the lowest.
        first: SocketAddrV4,
        /// The discovery endpoint of the highest.
        last: SocketAddrV4,
    },
    /// The request id was used for something else.
    #[error("request id {id} was used for a different request within the last day")]
    RequestReused {
        /// The id.
        id: RequestId,
    },
    /// The database failed.
    #[error("failed to record the creation")]
    Database(#[from] DatabaseError),
}

/// Why an instance is not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// There is no such instance.
    #[error("instance {name} does not exist")]
    NotFound {
        /// The name.
        name: InstanceName,
    },
    /// Somebody else changed it first.
    #[error("the instance changed meanwhile: expected generation {expected}, found {found}")]
    Conflict {
        /// What the caller had read.
        expected: Generation,
        /// What is there.
        found: Generation,
    },
    /// Another operation of the instance is unfinished.
    #[error("operation {operation} of the instance is unfinished")]
    Busy {
        /// That operation.
        operation: OperationId,
    },
    /// Its part in a replication cannot be changed so.
    #[error(transparent)]
    Role(#[from] RoleRefusal),
    /// The instance is on its way back from a change that was cancelled or given up, and this one is about its nodes, too.
    #[error("the instance is going back to what it was before its last change")]
    GoingBack,
    /// The request id was used for something else.
    #[error("request id {id} was used for a different request within the last day")]
    RequestReused {
        /// The id.
        id: RequestId,
    },
    /// The database failed.
    #[error("failed to record the update")]
    Database(#[from] DatabaseError),
}

/// Why an instance is not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// There is no such instance.
    #[error("instance {name} does not exist")]
    NotFound {
        /// The name.
        name: InstanceName,
    },
    /// Its deletion protection is on.
    #[error("deletion protection of instance {name} is enabled")]
    Protected {
        /// The name.
        name: InstanceName,
    },
    /// Others follow it.
    #[error("secondary instances follow {name}")]
    HasSecondaries {
        /// The name.
        name: InstanceName,
    },
    /// Its deletion was accepted before.
    #[error("operation {operation} deletes the instance already")]
    AlreadyDeleting {
        /// The operation that deletes it.
        operation: OperationId,
    },
    /// The request id was used for something else.
    #[error("request id {id} was used for a different request within the last day")]
    RequestReused {
        /// The id.
        id: RequestId,
    },
    /// The database failed.
    #[error("failed to record the deletion")]
    Database(#[from] DatabaseError),
}

/// Why something about a backup is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no such backup or instance.
    #[error("{name} does not exist")]
    NotFound {
        /// The full name.
        name: String,
    },
    /// The name is taken.
    #[error("backup {name} already exists")]
    AlreadyExists {
        /// The name.
        name: BackupName,
    },
    /// The instance has not been complete yet, or is being deleted.
    #[error("instance {name} is being created or deleted")]
    InstanceNotReady {
        /// The instance.
        name: InstanceName,
    },
    /// The instance is on its way back from a change that was cancelled or given up.
    #[error("instance {name} is going back to what it was before its last change")]
    GoingBack {
        /// The instance.
        name: InstanceName,
    },
    /// Another operation of the instance or of the backup is unfinished.
    #[error("operation {operation} is unfinished")]
    Busy {
        /// That operation.
        operation: OperationId,
    },
    /// Somebody needs the backup.
    #[error("backup {name} is in use by {}", users.join(", "))]
    InUse {
        /// The backup.
        name: BackupName,
        /// Full names of instances and operations.
        users: Vec<String>,
    },
    /// The backup is being made or deleted.
    #[error("backup {name} is being made or deleted")]
    NotActive {
        /// The backup.
        name: BackupName,
    },
    /// The request id was used for something else.
    #[error("request id {id} was used for a different request within the last day")]
    RequestReused {
        /// The id.
        id: RequestId,
    },
    /// The database failed.
    #[error("failed to record what was asked for")]
    Database(#[from] DatabaseError),
}

/// Why an operation is not removed or cancelled.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// There is no such operation.
    #[error("operation {id} does not exist")]
    NotFound {
        /// The id.
        id: OperationId,
    },
    /// Only finished operations can be removed.
    #[error("operation {id} is unfinished")]
    Running {
        /// The id.
        id: OperationId,
    },
    /// The database failed.
    #[error("failed to record the change of the operation")]
    Database(#[from] DatabaseError),
}

/// Why progress of an instance is not recorded. All records of the reconciler share it: it reports them alike.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// There is no such instance any more.
    #[error("instance {name} does not exist")]
    Gone {
        /// The name.
        name: InstanceName,
    },
    /// The name belongs to another incarnation.
    #[error("instance {name} is another incarnation: expected uid {expected}, found {found}")]
    Replaced {
        /// The name.
        name: InstanceName,
        /// The incarnation that progress was made on.
        expected: Uid,
        /// The incarnation that is there.
        found: Uid,
    },
    /// The node is allocated with other content, or one of its ports belongs to another node.
    #[error("node {serial} contradicts what is allocated already")]
    AllocationConflict {
        /// The node.
        serial: NodeSerial,
    },
    /// The node's number was given out before and is never given out again.
    #[error("node number {serial} was used before")]
    SerialSpent {
        /// The node.
        serial: NodeSerial,
    },
    /// The node was never allocated.
    #[error("node {serial} was never allocated")]
    Unallocated {
        /// The node.
        serial: NodeSerial,
    },
    /// The allocation of a node goes only after it was chosen to leave.
    #[error("node {serial} is to stay")]
    StillMember {
        /// The node.
        serial: NodeSerial,
    },
    /// The generation was never accepted.
    #[error("generation {generation} is ahead of the accepted generation {accepted}")]
    Unaccepted {
        /// The generation reported.
        generation: Generation,
        /// The newest one accepted.
        accepted: Generation,
    },
    /// A creation that has succeeded cannot be given up.
    #[error("instance {name} was created already")]
    AlreadyCreated {
        /// The name.
        name: InstanceName,
    },
    /// The record cannot go while the instance should exist.
    #[error("instance {name} is still wanted")]
    StillWanted {
        /// The name.
        name: InstanceName,
    },
    /// The database failed.
    #[error("failed to record the progress")]
    Database(#[from] DatabaseError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let connection = rusqlite::Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE filler (text TEXT); PRAGMA max_page_count = 2;").expect("creates");
        let fill = connection.execute("INSERT INTO filler VALUES (?1)", ["x".repeat(1 << 16)]).expect_err("is full");
        assert!(matches!(DatabaseError::from(fill), DatabaseError::DiskFull(_)));
        let wrong = connection.execute_batch("INSERT INTO nowhere VALUES (1)").expect_err("is wrong");
        assert!(matches!(DatabaseError::from(wrong), DatabaseError::Sql(_)));
    }
}
