//! Looking at a backup policy.
//!
//! Called on every refresh and after an import. Invariant: what is shown is what the daemon says now; a policy that was
//! turned off, and one whose instance is gone, is no policy.

use admin_proto::v1::BackupPolicy;
use provider_framework::{Context, Diagnostics, Found, Object, Read};

use super::{PolicyName, attempt};
use crate::backup::CollectionName;
use crate::client::Client;
use crate::duration_text;
use crate::instance::automated_backups::{self, AutomatedBackups};

pub(super) async fn read(cx: &Context<Client>, request: Read) -> Result<Found, Diagnostics> {
    let name = PolicyName::of(&request.state)?;
    let full_name = name.to_string();
    let attempt = attempt("read", &full_name);
    let backups = match cx.run(cx.client().instance(name.instance())).await? {
        Ok(instance) => automated_backups::of(&instance),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(attempt.failed(&error)),
    };
    let Some(backups) = backups else { return Ok(Found::Gone(Diagnostics::new())) };
    match cx.run(cx.client().backup_policy(name.instance())).await? {
        Ok(policy) => Ok(show(&name, backups, &policy, &request.state).into()),
        Err(error) if error.is_not_found() => Ok(Found::Gone(Diagnostics::new())),
        Err(error) => Err(attempt.failed(&error)),
    }
}

fn show(name: &PolicyName, backups: AutomatedBackups, policy: &BackupPolicy, prior: &Object) -> Object {
    let PolicyName(instance) = name;
    Object::new()
        .with("id", name.to_string())
        .with("name", name.to_string())
        .with("instance", prior.value("instance").clone())
        .with("project", instance.project.as_str())
        .with("location", instance.location.as_str())
        .with("backup_collection", CollectionName::of(instance).to_string())
        .with("start_hour", backups.start_hour)
        .with("retention", duration_text::spelled(backups.retention_seconds, prior, "retention"))
        .with("verify", policy.verify)
        .with("next_backup_time", policy.next_due.as_ref().map(ToString::to_string))
        .with("last_backup_time", policy.last_due.as_ref().map(ToString::to_string))
        .with("timeouts", prior.value("timeouts").clone())
}
