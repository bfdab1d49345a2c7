//! `valkyard backups restore`.

use std::fmt;
use std::process::ExitCode;

use admin_proto::json::from_json;
use admin_proto::v1::backup_details::State;
use admin_proto::v1::{BackupDetails, Verification, verification};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::name::{backup_named, collection_of};
use super::words::amount;
use super::{ACCEPT_LIMIT, details, details_of_all, wait};
use crate::cli::{OutputFormat, RestoreOptions, SourceOptions};
use crate::output::{print, warn};
use crate::verbs::ask::{daemon, full_name};
use crate::verbs::patience::read_patiently;

/// Where the data comes from.
#[derive(Clone, Debug)]
enum Source {
    Backup(Box<BackupDetails>),
    Files(Vec<String>),
}

pub(super) async fn restore(options: &RestoreOptions) -> Result<ExitCode> {
    let ask = &options.ask;
    let instance = full_name(&options.instance, "instances", &options.place)?;
    let (parent, id) = instance.rsplit_once('/').context("part the instance's name")?;
    let source = source(options).await?;
    let path = format!("/v1/{parent}?instanceId={id}");
    let operation = daemon(ask)?.post(&path, &body(options, &source), ACCEPT_LIMIT).await?;
    wait::conclude(ask, &options.wait, &operation, || async {
        let answer = read_patiently(ask, &format!("/v1/{instance}"), warn).await?;
        match ask.output {
            OutputFormat::Json => print(&format!("{}\n", String::from_utf8_lossy(&answer).trim_end())),
            OutputFormat::Text => {
                let made = serde_json::from_slice(&answer).context("parse the daemon's answer")?;
                print(&text(&made, &source))
            }
        }
    })
    .await
}

async fn source(options: &RestoreOptions) -> Result<Source> {
    let SourceOptions { from, from_latest, files } = &options.source;
    match (from, from_latest) {
        (Some(name), _) => {
            let answer = details(&options.ask, &backup_named(name, &options.place)?).await?;
            let found = from_json(&answer).context("read the daemon's answer; is it of another version?")?;
            Ok(Source::Backup(Box::new(found)))
        }
        (None, Some(instance)) => {
            let collection = collection_of(instance, &options.place)?;
            let found = details_of_all(&options.ask, &collection).await?;
            let wanted = if options.verified { Wanted::Verified } else { Wanted::Complete };
            match newest(found, wanted) {
                Some(backup) => Ok(Source::Backup(Box::new(backup))),
                None => bail!("{collection} has no {wanted} backup; see `valkyard backups list`"),
            }
        }
        (None, None) => Ok(Source::Files(files.clone())),
    }
}

/// Which of an instance's backups will do.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Complete,
    Verified,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Verified => "verified",
        })
    }
}

/// The newest backup that will do.
fn newest(backups: Vec<BackupDetails>, wanted: Wanted) -> Option<BackupDetails> {
    let proof = |backup: &BackupDetails| backup.verification.as_ref().map(Verification::state);
    let is_good = |backup: &BackupDetails| match wanted {
        Wanted::Complete => backup.state() == State::Active,
        Wanted::Verified => backup.state() == State::Active && proof(backup) == Some(verification::State::Passed),
    };
    let time = |backup: &BackupDetails| backup.create_time.as_ref().map(|time| (time.seconds, time.nanos));
    backups.into_iter().filter(is_good).max_by_key(time)
}

/// The instance to create: as the backup's was, but for what was asked for.
fn body(options: &RestoreOptions, source: &Source) -> Value {
    let mut body = match source {
        Source::Backup(backup) => json!({
            "shardCount": backup.shard_count,
            "replicaCount": backup.replica_count,
            "nodeType": backup.node_type,
            "engineVersion": backup.engine_version,
            "managedBackupSource": { "backup": backup.name },
        }),
        Source::Files(urls) => json!({ "shardCount": urls.len(), "replicaCount": 0, "gcsSource": { "uris": urls } }),
    };
    body["deletionProtectionEnabled"] = false.into();
    let asked = [
        ("shardCount", options.shard_count.map(Value::from)),
        ("replicaCount", options.replica_count.map(Value::from)),
        ("nodeType", options.node_type.clone().map(Value::from)),
        ("engineVersion", options.engine_version.clone().map(Value::from)),
    ];
    for (key, value) in asked {
        if let Some(value) = value {
            body[key] = value;
        }
    }
    body
}

fn text(instance: &Value, source: &Source) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let address = &instance["discoveryEndpoints"][0];
    let from = match source {
        Source::Backup(backup) => format!("{} ({})", backup.name, amount(backup)),
        Source::Files(urls) => format!("{} file(s)", urls.len()),
    };
    format!(
        "{}\n{}, {} x (1 + {})  {}  {}  {}:{}\nrestored from {from}\n",
        word(&instance["name"]),
        word(&instance["state"]),
        instance["shardCount"],
        instance["replicaCount"],
        word(&instance["nodeType"]),
        word(&instance["engineVersion"]),
        word(&address["address"]),
        address["port"],
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use prost_types::Timestamp;

    use super::*;
    use crate::cli::{BackupsCommand, Cli, Command};

    fn options(arguments: &[&str]) -> RestoreOptions {
        let line = ["valkyard", "backups", "restore", "new"].iter().chain(arguments);
        let command = Cli::try_parse_from(line).expect("a command line").command;
        let Command::Backups(BackupsCommand::Restore(options)) = command else { panic!("read as {command:?}") };
        options
    }

    fn backup(name: &str, state: State, seconds: i64, proof: verification::State) -> BackupDetails {
        BackupDetails {
            name: name.to_owned(),
            state: state.into(),
            create_time: Some(Timestamp { seconds, nanos: 0 }),
            verification: Some(Verification { state: proof.into(), ..Verification::default() }),
            shard_count: 3,
            replica_count: 1,
            node_type: "STANDARD_SMALL".to_owned(),
            engine_version: "VALKEY_9_1".to_owned(),
            ..BackupDetails::default()
        }
    }

    #[test]
    fn an_instance_is_as_the_backups_was_but_for_what_was_asked_for() {
        let source = Source::Backup(Box::new(backup("b", State::Active, 1, verification::State::Unspecified)));
        let wanted = json!({ "shardCount": 5, "replicaCount": 1, "nodeType": "STANDARD_SMALL", "engineVersion": "VALKEY_9_1",
            "managedBackupSource": { "backup": "b" }, "deletionProtectionEnabled": false });
        assert_eq!(body(&options(&["--from", "cache/b", "--shard-count", "5"]), &source), wanted);
    }

    #[test]
    fn files_make_a_shard_each_and_leave_the_rest_to_the_daemon() {
        let urls = vec!["file:///a.rdb".to_owned(), "file:///b.rdb".to_owned()];
        let wanted =
            json!({ "shardCount": 2, "replicaCount": 0, "gcsSource": { "uris": urls }, "deletionProtectionEnabled": false });
        assert_eq!(body(&options(&["--file", "file:///a.rdb", "file:///b.rdb"]), &Source::Files(urls)), wanted);
    }

    #[test]
    fn the_latest_is_the_newest_that_is_complete_and_proved_if_asked_for() {
        let all = || {
            vec![
                backup("proved", State::Active, 1, verification::State::Passed),
                backup("failed", State::Active, 2, verification::State::Failed),
                backup("leaving", State::Deleting, 3, verification::State::Passed),
                backup("coming", State::Creating, 4, verification::State::Unspecified),
            ]
        };
        assert_eq!(newest(all(), Wanted::Complete).map(|backup| backup.name).as_deref(), Some("failed"));
        assert_eq!(newest(all(), Wanted::Verified).map(|backup| backup.name).as_deref(), Some("proved"));
        assert!(newest(Vec::new(), Wanted::Complete).is_none());
    }
}
