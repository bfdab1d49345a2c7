//! Durable state: what was accepted, what was set aside, what was asked for. The only SQL of Valkyard.
//!
//! The API accepts requests through [`Store`], the reconciler records progress through it; each method is one
//! transaction, synced to disk before it returns. Invariants: a request, its spec, its generation and its operation are
//! accepted together or not at all; an address belongs to at most one instance; an operation ends once. Times and random
//! ids are arguments. This crate never looks at processes or nodes and never decides what to do next.

mod address;
mod backup_row;
mod backups;
mod collection_row;
mod command;
mod distance;
mod error;
mod instance_row;
mod operation_row;
mod query;
mod replication;
mod request_row;
mod reserve;
mod role_refusal;
mod schedule_row;
mod schema;
mod session;
mod store;
mod thread;
mod zone_outage;

pub use address::AddressPlan;
pub use collection_row::Collection;
pub use command::{
    BackUpInstance, CreateInstance, DeleteBackup, DeleteInstance, ExportBackup, Follow, RequestKey, RoleChange, UpdateInstance,
    VerifyBackup,
};
pub use distance::LocationDistance;
pub use error::{BackupError, CreateError, DatabaseError, DeleteError, OperationError, ProgressError, StoreError, UpdateError};
pub use query::{InstanceOrder, Scope};
pub use role_refusal::RoleRefusal;
pub use store::{Store, StoreLocation};
pub use thread::StoreThreads;
pub use zone_outage::{OutageManner, ZoneOutage};
