//! The resource `valkyard_backup`, and what it shares with the data sources for backups.
//!
//! Owns [`BackupResource`]; each operation has its file. The provider lists it. Invariant: a backup that an operation of this
//! provider made is in the state as long as it is there, and nobody else's comes into it unasked.

mod create;
mod delete;
pub(crate) mod details;
mod id;
mod import;
mod name;
mod plan;
mod proof;
mod read;
mod schema;
mod update;

pub(crate) use name::{BackupName, CollectionName};
use provider_framework::{BoxFuture, Context, Diagnostics, NewState, Object, Resource, Schema};

use crate::client::{Attempt, Client, Subject};
use crate::instance_reference;
use crate::operations_by_file::operations_by_file;

/// The full type name of the resource and of the data source.
pub(crate) const TYPE_NAME: &str = "valkyard_backup";

/// The resource `valkyard_backup`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackupResource;

pub(crate) fn attempt<'a>(verb: &'static str, full_name: &'a str) -> Attempt<'a> {
    Attempt { verb, subject: Subject::Backup, name: full_name }
}

impl Resource<Client> for BackupResource {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        instance_reference::contradiction(config).into_iter().collect()
    }

    operations_by_file!();

    fn import<'a>(&'a self, _: &'a Context<Client>, id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
        Box::pin(std::future::ready(import::import(id)))
    }
}
