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
use provider_framework::{
    BoxFuture, Context, Create, Delete, Diagnostics, Failed, Found, NewState, Object, PlannedChange, Read, Resource, Schema,
    Update,
};

use crate::client::Client;

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

    fn modify_plan<'a>(&'a self, cx: &'a Context<Client>, change: &'a mut PlannedChange) -> BoxFuture<'a, ()> {
        plan::plan(change, cx.client().defaults());
        Box::pin(std::future::ready(()))
    }

    fn plan_destroy<'a>(&'a self, _: &'a Context<Client>, state: &'a Object) -> BoxFuture<'a, Diagnostics> {
        Box::pin(std::future::ready(plan::destroy(state)))
    }

    fn create<'a>(&'a self, cx: &'a Context<Client>, request: Create) -> BoxFuture<'a, Result<NewState, Failed>> {
        Box::pin(create::create(cx, request))
    }

    fn read<'a>(&'a self, cx: &'a Context<Client>, request: Read) -> BoxFuture<'a, Result<Found, Diagnostics>> {
        Box::pin(read::read(cx, request))
    }

    fn update<'a>(&'a self, cx: &'a Context<Client>, request: Update) -> BoxFuture<'a, Result<NewState, Failed>> {
        Box::pin(update::update(cx, request))
    }

    fn delete<'a>(&'a self, cx: &'a Context<Client>, request: Delete) -> BoxFuture<'a, Result<Diagnostics, Diagnostics>> {
        Box::pin(delete::delete(cx, request))
    }

    fn import<'a>(&'a self, cx: &'a Context<Client>, id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
        Box::pin(std::future::ready(import::import(cx, id)))
    }
}
