//! `valkyard backups create`.

use std::process::ExitCode;

use admin_proto::v1::BackupDetails;
use admin_proto::v1::backup_details::{Origin, State};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use valkyard_model::{BackupName, CollectionName};

use super::name::{backup_named, collection_of};
use super::words::{amount, verified};
use super::{ACCEPT_LIMIT, details_of_all, show_details, verify, wait};
use crate::cli::{CreateBackupOptions, InstanceOptions};
use crate::verbs::ask::{daemon, full_name};

pub(super) async fn create(options: &CreateBackupOptions) -> Result<ExitCode> {
    let InstanceOptions { name, place, ask } = &options.instance;
    let instance = full_name(name, "instances", place)?;
    let operation = daemon(ask)?.post(&format!("/v1/{instance}:backup"), &body(options), ACCEPT_LIMIT).await?;
    let name = made_backup(options).await;
    wait::conclude(ask, &options.wait, &operation, || async {
        let name = name?;
        if options.verify {
            verify::prove(ask, &name).await?;
        }
        show_details(ask, &name, text).await
    })
    .await
}

fn body(options: &CreateBackupOptions) -> Value {
    let mut body = json!({});
    if let Some(ttl) = options.ttl {
        body["ttl"] = format!("{}s", ttl.as_secs()).into();
    }
    if let Some(id) = &options.backup_id {
        body["backupId"] = id.as_str().into();
    }
    body
}

/// The name of the backup that was just accepted. The daemon's answer does not tell it.
async fn made_backup(options: &CreateBackupOptions) -> Result<BackupName> {
    let InstanceOptions { name, place, ask } = &options.instance;
    let collection: CollectionName = collection_of(name, place)?;
    match &options.backup_id {
        Some(id) => backup_named(&format!("{collection}/backups/{id}"), place),
        None => {
            let found = details_of_all(ask, &collection).await?;
            let name = newest_on_demand(&found).context("find the backup that was accepted; see `valkyard backups list`")?;
            backup_named(name, place)
        }
    }
}

/// An instance makes one backup at a time, so the one that is being made is it, or the newest if it is complete already.
fn newest_on_demand(backups: &[BackupDetails]) -> Option<&str> {
    let order = |backup: &&BackupDetails| {
        let time = backup.create_time.as_ref().map(|time| (time.seconds, time.nanos));
        (backup.state() == State::Creating, time)
    };
    backups.iter().filter(|backup| backup.origin() == Origin::OnDemand).max_by_key(order).map(|backup| backup.name.as_str())
}

fn text(backup: &BackupDetails) -> String {
    let proof = if verified(backup) == "passed" { ", verified" } else { "" };
    format!("{}\n{}{proof}\n", backup.name, amount(backup))
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    fn backup(name: &str, origin: Origin, state: State, seconds: i64) -> BackupDetails {
        let create_time = Some(Timestamp { seconds, nanos: 0 });
        BackupDetails {
            name: name.to_owned(),
            origin: origin.into(),
            state: state.into(),
            create_time,
            ..BackupDetails::default()
        }
    }

    #[test]
    fn the_backup_that_is_being_made_is_the_one_that_was_asked_for() {
        let old = backup("old", Origin::OnDemand, State::Active, 9);
        let made = backup("made", Origin::OnDemand, State::Creating, 5);
        let other = backup("other", Origin::Automated, State::Active, 10);
        assert_eq!(newest_on_demand(&[other.clone(), old.clone(), made]), Some("made"));
        assert_eq!(newest_on_demand(&[other.clone(), old]), Some("old"));
        assert_eq!(newest_on_demand(&[other]), None);
    }
}
