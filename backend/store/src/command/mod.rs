//! Writes, one transaction per file: first what clients ask for, then what the reconciler records.

mod abandon_create;
mod abandon_update;
mod allocate_nodes;
mod back_up_instance;
mod converge;
mod create_instance;
mod data_loss;
mod delete_backup;
mod delete_instance;
mod finish_backup;
mod incarnation;
mod leaving_nodes;
mod operation;
mod remove_instance;
mod replication;
mod switchover;
mod update_instance;
mod use_backup;
mod zone_outage;

use valkyard_model::RequestId;

pub(crate) use abandon_create::abandon_create;
pub(crate) use abandon_update::abandon_update;
pub(crate) use allocate_nodes::allocate_nodes;
pub use back_up_instance::BackUpInstance;
pub(crate) use back_up_instance::back_up_instance;
pub(crate) use converge::record_converged;
pub use create_instance::CreateInstance;
pub(crate) use create_instance::create_instance;
pub(crate) use data_loss::record_data_loss;
pub use delete_backup::DeleteBackup;
pub(crate) use delete_backup::{delete_backup, expire_backup, remove_backup};
pub use delete_instance::DeleteInstance;
pub(crate) use delete_instance::delete_instance;
pub(crate) use finish_backup::{abandon_backup, record_backup};
pub(crate) use leaving_nodes::{release_nodes, retire_nodes};
pub(crate) use operation::{delete_operation, request_cancel};
pub(crate) use remove_instance::remove_instance;
pub use replication::Follow;
pub(crate) use replication::{record_detached, set_reseeding};
pub(crate) use switchover::switch_over;
pub(crate) use update_instance::update_instance;
pub use update_instance::{RoleChange, UpdateInstance};
pub use use_backup::{ExportBackup, VerifyBackup};
pub(crate) use use_backup::{export_backup, finish_export, finish_verification, set_verify, verify_backup};
pub(crate) use zone_outage::{end_zone_outage, set_zone_outage};

/// A client's idempotency key and what it was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The key.
    pub id: RequestId,
    /// A digest of verb, target and content: the same key with another digest is refused.
    pub digest: String,
}
