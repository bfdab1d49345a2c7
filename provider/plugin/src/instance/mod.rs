//! The resource `valkyard_instance`.
//!
//! Owns [`InstanceResource`]; each operation has its file. The provider lists it. Invariant: what is in the state
//! came from the daemon or was planned; every instance that an operation of this provider made is in the state, and
//! nobody else's comes into it unasked.

pub(crate) mod automated_backups;
mod create;
mod delete;
mod foresight;
mod import;
mod labels;
mod name;
mod node_type;
pub(crate) mod outputs;
pub(crate) mod persistence;
mod plan;
mod read;
mod remains;
mod request;
pub(crate) mod rules;
mod schema;
mod source;
mod update;

pub(crate) use name::InstanceName;
use provider_framework::{BoxFuture, Context, Diagnostics, NewState, Object, Resource, Schema};

use crate::client::Client;
use crate::operations_by_file::operations_by_file;

/// The state in which an instance serves.
const ACTIVE: &str = "ACTIVE";

/// The full type name of the resource and of the data source.
pub(crate) const TYPE_NAME: &str = "valkyard_instance";

/// The resource `valkyard_instance`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstanceResource;

impl Resource<Client> for InstanceResource {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        rules::validate(config)
    }

    operations_by_file!();

    fn plan_destroy<'a>(&'a self, _: &'a Context<Client>, state: &'a Object) -> BoxFuture<'a, Diagnostics> {
        Box::pin(std::future::ready(plan::destroy(state)))
    }

    fn import<'a>(&'a self, cx: &'a Context<Client>, id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
        Box::pin(std::future::ready(import::import(cx, id)))
    }
}
