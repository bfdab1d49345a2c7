//! Looking at a backup.
//!
//! Called on every refresh and after an import. Invariants: what is shown is what the daemon says now; a backup that is gone
//! leaves the state with a warning, since nothing has its data any longer.

use admin_proto::v1::BackupDetails;
use provider_framework::{Context, Diagnostic, Diagnostics, Found, Object, Read};

use super::{BackupName, attempt, details};
use crate::client::Client;
use crate::duration_text;

pub(super) async fn read(cx: &Context<Client>, request: Read) -> Result<Found, Diagnostics> {
    let name = named(&request.state)?;
    let full_name = name.to_string();
    match cx.run(cx.client().backup(full_name.clone())).await? {
        Ok(backup) => Ok(show(&name, &backup, &request.state).into()),
        Err(error) if error.is_not_found() => Ok(Found::Gone(gone(&full_name, &request.state).into_iter().collect())),
        Err(error) => Err(attempt("read", &full_name).failed(&error)),
    }
}

/// The name in a state.
pub(super) fn named(state: &Object) -> Result<BackupName, Diagnostics> {
    let text: String = state.read("name")?;
    let name = BackupName::parse(&text);
    name.ok_or_else(|| Diagnostic::error("Unexpected value").detail(format!("{text:?} names no backup.")).at("name").into())
}

fn show(name: &BackupName, backup: &BackupDetails, prior: &Object) -> Object {
    let instance = name.collection.instance();
    let mut state = details::show(name, backup);
    if !prior.value("instance").is_null() {
        state.set("instance", prior.value("instance").clone());
    }
    let ttl = prior.value("ttl");
    let verify = prior.value("verify").as_bool().unwrap_or_default();
    state
        .with("project", instance.project)
        .with("location", instance.location)
        .with("ttl", if ttl.is_null() { seconds_kept(backup).map(duration_text::text).into() } else { ttl.clone() })
        .with("verify", verify)
        .with("timeouts", prior.value("timeouts").clone())
}

/// For how long the daemon keeps it, counted from its beginning.
fn seconds_kept(backup: &BackupDetails) -> Option<i64> {
    Some(backup.expire_time?.seconds - backup.create_time?.seconds)
}

/// What to say of a backup that was there before; after an import there is nothing to compare with.
fn gone(name: &str, prior: &Object) -> Option<Diagnostic> {
    prior.value("create_time").as_str()?;
    let kept = prior.value("expire_time").as_str().map_or_else(String::new, |time| format!(" It was to be kept until {time}."));
    let detail = format!(
        "{name} is not there any longer: it expired, or somebody removed it.{kept} It leaves the state; the next apply makes a \
         new backup, of the data at that time, and replaces instances whose `managed_backup_source` refers to this resource. \
         Remove the resource from the configuration if there should be none."
    );
    Some(Diagnostic::warning("The backup is gone").detail(detail))
}
