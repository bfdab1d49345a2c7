//! The resource `valkyard_backup_policy`.
//!
//! Owns [`BackupPolicyResource`]; each operation has its file. The provider lists it. Invariants: an instance has one policy,
//! which is its `automated_backup_config` together with what the daemon adds to it; a policy is in the state as long as it
//! may be in force, and another one is never taken over unasked.

mod create;
mod delete;
mod import;
mod plan;
mod read;
mod schedule;
mod schema;
mod update;

use std::fmt;

use provider_framework::{BoxFuture, Context, Diagnostics, NewState, Object, Resource, Schema};

use crate::client::{Attempt, Client, Subject};
use crate::instance::InstanceName;
use crate::instance_reference;
use crate::operations_by_file::operations_by_file;

/// The resource `valkyard_backup_policy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackupPolicyResource;

/// The name of an instance, and `/backupPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PolicyName(InstanceName);

impl PolicyName {
    /// The policy of a plan or state.
    fn of(object: &Object) -> Result<Self, Diagnostics> {
        instance_reference::named(object).map(Self)
    }

    fn instance(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/backupPolicy", self.0)
    }
}

fn attempt<'a>(verb: &'static str, full_name: &'a str) -> Attempt<'a> {
    Attempt { verb, subject: Subject::BackupPolicy, name: full_name }
}

impl Resource<Client> for BackupPolicyResource {
    fn type_name(&self) -> &str {
        "valkyard_backup_policy"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        instance_reference::contradiction(config).into_iter().collect()
    }

    operations_by_file!();

    fn import<'a>(&'a self, cx: &'a Context<Client>, id: &'a str) -> BoxFuture<'a, Result<NewState, Diagnostics>> {
        Box::pin(std::future::ready(import::import(cx, id)))
    }
}
