//! Writes, one transaction per file: first what clients ask for, then what the reconciler records.

mod abandon_create;
mod abandon_update;
mod allocate_nodes;
mod converge;
mod create_instance;
mod data_loss;
mod delete_instance;
mod incarnation;
mod leaving_nodes;
mod operation;
mod remove_instance;
mod update_instance;
mod zone_outage;

use valkyard_model::RequestId;

pub(crate) use abandon_create::abandon_create;
pub(crate) use abandon_update::abandon_update;
pub(crate) use allocate_nodes::allocate_nodes;
pub(crate) use converge::record_converged;
pub use create_instance::CreateInstance;
pub(crate) use create_instance::create_instance;
pub(crate) use data_loss::record_data_loss;
pub use delete_instance::DeleteInstance;
pub(crate) use delete_instance::delete_instance;
pub(crate) use leaving_nodes::{release_nodes, retire_nodes};
pub(crate) use operation::{delete_operation, request_cancel};
pub(crate) use remove_instance::remove_instance;
pub use update_instance::UpdateInstance;
pub(crate) use update_instance::update_instance;
pub(crate) use zone_outage::{end_zone_outage, set_zone_outage};

/// A client's idempotency key and what it was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The key.
    pub id: RequestId,
    /// A digest of verb, target and content: the same key with another digest is refused.
    pub digest: String,
}
