//! `valkyard backups list`.

use std::process::ExitCode;

use admin_proto::v1::{BackupDetails, ListBackupDetailsResponse};
use anyhow::Result;
use valkyard_model::BackupName;

use super::name::{collection_named, collection_of};
use super::words::{origin, time_in_seconds, verified};
use crate::cli::{BackupsOptions, PlaceOptions};
use crate::output::table;
use crate::verbs::ask::{daemon, show};
use crate::verbs::node_table::{bytes, word};

/// Every collection of every project.
const ALL: &str = "projects/-/locations/-/backupCollections/-";

pub(super) async fn list(options: &BackupsOptions) -> Result<ExitCode> {
    let collection = match (&options.instance, &options.collection) {
        (Some(instance), _) => collection_of(instance, &options.place)?.to_string(),
        (None, Some(collection)) => collection_named(collection, &options.place)?.to_string(),
        (None, None) => ALL.to_owned(),
    };
    let answer = daemon(&options.ask)?.read(&format!("/v1/admin/{collection}/backups")).await?;
    show(options.ask.output, &answer, |found: &ListBackupDetailsResponse| text(&found.backups, &options.place))?;
    Ok(ExitCode::SUCCESS)
}

fn text(backups: &[BackupDetails], place: &PlaceOptions) -> String {
    if backups.is_empty() {
        return "there is no backup\n".to_owned();
    }
    let rows: Vec<Vec<String>> = backups.iter().map(|backup| row(backup, place)).collect();
    table(&["NAME", "COLLECTION", "STATE", "CREATED", "EXPIRES", "SIZE", "KEYS", "ORIGIN", "VERIFIED"], &rows)
}

fn row(backup: &BackupDetails, place: &PlaceOptions) -> Vec<String> {
    let (name, collection) = short_name(&backup.name, place);
    vec![
        name,
        collection,
        word(backup.state().as_str_name()),
        time_in_seconds(backup.create_time.as_ref()),
        time_in_seconds(backup.expire_time.as_ref()),
        bytes(backup.size_bytes),
        backup.keys.to_string(),
        origin(backup).to_owned(),
        verified(backup).to_owned(),
    ]
}

/// The ids of backup and collection; the collection's full name if it is in another place than is meant by an id.
fn short_name(name: &str, place: &PlaceOptions) -> (String, String) {
    let Ok(BackupName { collection, backup }) = name.parse() else { return (name.to_owned(), "-".to_owned()) };
    let is_here = collection.project.as_str() == place.project && collection.location.as_str() == place.location;
    let shown = if is_here { collection.collection.to_string() } else { collection.to_string() };
    (backup.to_string(), shown)
}

#[cfg(test)]
mod tests {
    use admin_proto::v1::backup_details::{Origin, State};
    use admin_proto::v1::{Verification, verification};
    use prost_types::Timestamp;

    use super::*;

    #[test]
    fn a_backup_is_a_line() {
        let place = PlaceOptions { project: "p".to_owned(), location: "us-west1".to_owned() };
        let time = |seconds| Some(Timestamp { seconds, nanos: 5 });
        let backup = |project: &str| BackupDetails {
            name: format!("projects/{project}/locations/us-west1/backupCollections/cache/backups/monday"),
            state: State::Active.into(),
            origin: Origin::Automated.into(),
            create_time: time(1_795_000_000),
            expire_time: time(1_795_086_400),
            size_bytes: 1536,
            keys: 7,
            verification: Some(Verification { state: verification::State::Passed.into(), ..Verification::default() }),
            ..BackupDetails::default()
        };
        let text = text(&[backup("p"), backup("q")], &place);
        let line: Vec<&str> = text.lines().nth(1).expect("a line below the header").split_whitespace().collect();
        let times = ["2026-11-18T11:06:40Z", "2026-11-19T11:06:40Z"];
        assert_eq!(line, ["monday", "cache", "active", times[0], times[1], "1.5KiB", "7", "automated", "passed"]);
        assert!(text.lines().nth(2).is_some_and(|line| line.contains(" projects/q/locations/us-west1/backupCollections/cache ")));
    }

    #[test]
    fn no_backup_is_said_in_words() {
        let place = PlaceOptions { project: "p".to_owned(), location: "us-west1".to_owned() };
        assert_eq!(text(&[], &place), "there is no backup\n");
    }
}
