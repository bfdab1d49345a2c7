//! The names of backups and of their collections.
//!
//! Owns [`BackupName`] and [`CollectionName`]. Invariant: their parts keep the rules for their segments; a collection has
//! the id of its instance, which it outlives.

use std::fmt;

use crate::instance::{InstanceName, rules};

/// What the API may write before a name.
const SERVICE_PREFIX: &str = "//memorystore.googleapis.com/";
/// Longest id of a backup.
const BACKUP_ID_LENGTH_MAX: usize = 63;

/// `projects/{project}/locations/{location}/backupCollections/{instance_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CollectionName {
    project: String,
    location: String,
    collection_id: String,
}

/// The name of a collection, and `/backups/{backup_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackupName {
    pub(crate) collection: CollectionName,
    pub(crate) backup_id: String,
}

impl CollectionName {
    /// The collection of an instance.
    pub(crate) fn of(instance: &InstanceName) -> Self {
        Self {
            project: instance.project.clone(),
            location: instance.location.clone(),
            collection_id: instance.instance_id.clone(),
        }
    }

    /// The instance whose backups it has, whether or not there is one.
    pub(crate) fn instance(&self) -> InstanceName {
        InstanceName { project: self.project.clone(), location: self.location.clone(), instance_id: self.collection_id.clone() }
    }

    /// Reads a full name, with or without the service in front.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match without_service(text).split('/').collect::<Vec<_>>().as_slice() {
            ["projects", project, "locations", location, "backupCollections", id] => Self::checked(project, location, id),
            _ => None,
        }
    }

    fn checked(project: &str, location: &str, id: &str) -> Option<Self> {
        let is_sound = rules::is_project(project) && rules::is_location(location) && rules::is_instance_id(id);
        let name = || Self { project: project.to_owned(), location: location.to_owned(), collection_id: id.to_owned() };
        is_sound.then(name)
    }
}

impl BackupName {
    /// Reads a full name, with or without the service in front.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (collection, backup_id) = without_service(text).rsplit_once("/backups/")?;
        let collection = CollectionName::parse(collection)?;
        is_backup_id(backup_id).then(|| Self { collection, backup_id: backup_id.to_owned() })
    }
}

/// 1 to 63 lower-case letters, digits, underscores or hyphens, beginning with a letter or digit.
pub(crate) fn is_backup_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= BACKUP_ID_LENGTH_MAX
        && text.bytes().all(|b| plain(b) || b == b'_' || b == b'-')
        && text.bytes().next().is_some_and(plain)
}

fn without_service(text: &str) -> &str {
    text.strip_prefix(SERVICE_PREFIX).unwrap_or(text)
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects/{}/locations/{}/backupCollections/{}", self.project, self.location, self.collection_id)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/backups/{}", self.collection, self.backup_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "projects/local/locations/us-central1/backupCollections/cache/backups/before_migration-1";

    #[test]
    fn a_name_is_read_with_and_without_the_service() {
        for text in [NAME.to_owned(), format!("//memorystore.googleapis.com/{NAME}")] {
            let name = BackupName::parse(&text).expect("it is a name");
            assert_eq!(name.to_string(), NAME);
            assert_eq!(name.collection.instance().to_string(), "projects/local/locations/us-central1/instances/cache");
        }
    }

    #[test]
    fn other_texts_are_no_backups() {
        for bad in ["", "cache", "//other.example/projects/p/locations/us-central1/backupCollections/cache/backups/b"] {
            assert_eq!(BackupName::parse(bad), None, "{bad}");
        }
        for bad in ["", "_a", "-a", "A", "a/b", &"a".repeat(64)] {
            assert!(!is_backup_id(bad), "{bad}");
        }
        assert!(is_backup_id("20260921141320_5f0a9b3e"));
    }
}
