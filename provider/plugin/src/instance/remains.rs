//! What is left of an instance that was removed: its backups.
//!
//! Called after the deletion. Invariant: it only tells; a daemon that cannot say what remains is no failure of the removal.

use std::time::Duration;

use memorystore_proto::v1::{Backup, backup::State};
use provider_framework::{Context, Diagnostic, Diagnostics};

use super::InstanceName;
use crate::backup::CollectionName;
use crate::client::Client;

/// How long the question may take: the instance is gone whatever the answer.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// The warning that backups remain, if any do.
pub(super) async fn warn(cx: &Context<Client>, name: &InstanceName) -> Diagnostics {
    let collection = CollectionName::of(name).to_string();
    let asked = tokio::time::timeout(LOOK_LIMIT, cx.client().backups(collection.clone())).await;
    match asked {
        Ok(Ok(backups)) => remaining(name, &collection, &backups).into_iter().collect(),
        Ok(Err(error)) if error.is_not_found() => Diagnostics::new(),
        Ok(Err(error)) => {
            tracing::warn!(%error, collection, "cannot tell whether backups remain");
            Diagnostics::new()
        }
        Err(_) => {
            tracing::warn!(collection, "cannot tell whether backups remain: no answer in time");
            Diagnostics::new()
        }
    }
}

fn remaining(name: &InstanceName, collection: &str, backups: &[Backup]) -> Option<Diagnostic> {
    let backups: Vec<&Backup> = backups.iter().filter(|backup| backup.state() != State::Deleting).collect();
    let age = |backup: &&&Backup| (backup.state() == State::Active, backup.create_time.map(|time| (time.seconds, time.nanos)));
    let newest = backups.iter().max_by_key(age)?;
    let last = backups.iter().filter_map(|backup| backup.expire_time).max_by_key(|time| (time.seconds, time.nanos));
    let until = last.map_or_else(|| "until they are removed".to_owned(), |time| format!("until {time} at the latest"));
    let size: i64 = backups.iter().map(|backup| backup.total_size_bytes).sum();
    let count = if backups.len() == 1 { "1 backup".to_owned() } else { format!("{} backups", backups.len()) };
    let detail = format!(
        "{name} is gone. Its collection {collection} keeps {count} ({size} bytes) {until}.\n\n\
         To have the data back, make an instance with\n\n  managed_backup_source {{\n    backup = {:?}\n  }}\n\n\
         The data source `valkyard_backups` with `backup_collection` lists them. To remove one before its time, send DELETE \
         /v1/<name of the backup> to the daemon.",
        newest.name
    );
    Some(Diagnostic::warning("Backups remain").detail(detail))
}
