//! Which backup or collection is meant.

use anyhow::{Result, anyhow};
use valkyard_model::{BackupName, CollectionName, InstanceName};

use crate::cli::{BackupOptions, PlaceOptions};
use crate::verbs::ask::full_name;

/// The backup that is meant: by its full name, as `collection/backup`, or by its id with an instance.
pub(super) fn backup_meant(options: &BackupOptions) -> Result<BackupName> {
    match &options.instance {
        Some(instance) if !options.name.contains('/') => {
            let collection = collection_of(instance, &options.place)?;
            named(&format!("{collection}/backups/{}", options.name), &options.name)
        }
        Some(_) | None => backup_named(&options.name, &options.place),
    }
}

/// The backup of this full name, or `collection/backup`.
pub(super) fn backup_named(given: &str, place: &PlaceOptions) -> Result<BackupName> {
    match given.split('/').collect::<Vec<_>>().as_slice() {
        [collection, backup] => named(&format!("{}/backups/{backup}", collection_named(collection, place)?), given),
        _ => named(given, given),
    }
}

/// The collection of an instance.
pub(super) fn collection_of(instance: &str, place: &PlaceOptions) -> Result<CollectionName> {
    let name: InstanceName = full_name(instance, "instances", place)?.parse()?;
    Ok(CollectionName::of(&name))
}

/// The collection of this full name or id.
pub(super) fn collection_named(given: &str, place: &PlaceOptions) -> Result<CollectionName> {
    Ok(full_name(given, "backupCollections", place)?.parse()?)
}

fn named(name: &str, given: &str) -> Result<BackupName> {
    name.parse().map_err(|_| {
        anyhow!(
            "{given:?} names no backup; give projects/P/locations/L/backupCollections/COLLECTION/backups/ID, COLLECTION/ID, or an \
             ID with --instance; see `valkyard backups list`"
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{BackupsCommand, Cli, Command};

    fn meant(arguments: &[&str]) -> Option<String> {
        let line = ["valkyard", "backups", "describe", "--project", "p", "--location", "us-west1"];
        let command = Cli::try_parse_from(line.iter().chain(arguments)).expect("a command line").command;
        let Command::Backups(BackupsCommand::Describe(options)) = command else { panic!("read as {command:?}") };
        backup_meant(&options).ok().map(|name| name.to_string())
    }

    #[test]
    fn a_backup_is_named_in_three_ways() {
        let full = "projects/p/locations/us-west1/backupCollections/cache/backups/monday";
        assert_eq!(meant(&["cache/monday"]).as_deref(), Some(full));
        assert_eq!(meant(&["monday", "--instance", "cache"]).as_deref(), Some(full));
        assert_eq!(meant(&["monday", "--instance", "projects/p/locations/us-west1/instances/cache"]).as_deref(), Some(full));
        let elsewhere = "projects/q/locations/us-east1/backupCollections/cache/backups/monday";
        assert_eq!(meant(&[elsewhere]).as_deref(), Some(elsewhere));
        assert_eq!(meant(&[&format!("//memorystore.googleapis.com/{elsewhere}")]).as_deref(), Some(elsewhere));
    }

    #[test]
    fn other_names_are_refused() {
        for odd in ["monday", "cache/", "/monday", "cache/Mon day", "a/b/c", "projects/p/locations/us-west1/instances/cache"] {
            assert_eq!(meant(&[odd]), None, "{odd}");
        }
    }
}
