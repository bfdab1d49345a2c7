//! Names of backups and of the collections they belong to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::split_name;
use crate::{InstanceId, InstanceName, LocationId, NameError, ProjectId};

const COLLECTION_FORM: &str = "projects/{project}/locations/{location}/backupCollections/{collection}";
const BACKUP_FORM: &str = "projects/{project}/locations/{location}/backupCollections/{collection}/backups/{backup}, with or without \
     //memorystore.googleapis.com/ before it";
/// What the product's full resource names begin with.
const SERVICE_PREFIX: &str = "//memorystore.googleapis.com/";
/// Longest id of a backup.
const BACKUP_ID_LENGTH_MAX: usize = 63;

/// The id of a backup, unique within its collection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupId(String);

impl BackupId {
    /// The id that a backup gets which was given none, as the product forms it: time and eight digits of the instance's uid.
    #[must_use]
    pub fn at(time: crate::Timestamp, instance: crate::Uid) -> Self {
        let uid = instance.0.simple().to_string();
        Self(format!("{}_{}", time.format("%Y%m%d%H%M%S"), &uid[..8]))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BackupId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ok = (1..=BACKUP_ID_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|b| plain(b) || b == b'-' || b == b'_')
            && text.bytes().next().is_some_and(plain);
        if ok { Ok(Self(text.to_owned())) } else { Err(NameError::Backup { text: text.to_owned() }) }
    }
}

impl TryFrom<String> for BackupId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> Self {
        id.0
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `projects/{project}/locations/{location}/backupCollections/{collection}`. A collection has the id of its instance, and goes
/// on with a later instance of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CollectionName {
    /// The project.
    pub project: ProjectId,
    /// The region.
    pub location: LocationId,
    /// The id within them.
    pub collection: InstanceId,
}

impl CollectionName {
    /// The collection of an instance.
    #[must_use]
    pub fn of(instance: &InstanceName) -> Self {
        let InstanceName { project, location, instance } = instance.clone();
        Self { project, location, collection: instance }
    }
}

impl FromStr for CollectionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (project, location, collection) = split_name(text, "backupCollections")
            .ok_or_else(|| NameError::Form { text: text.to_owned(), form: COLLECTION_FORM })?;
        Ok(Self { project: project.parse()?, location: location.parse()?, collection: collection.parse()? })
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects/{}/locations/{}/backupCollections/{}", self.project, self.location, self.collection)
    }
}

impl TryFrom<String> for CollectionName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<CollectionName> for String {
    fn from(name: CollectionName) -> Self {
        name.to_string()
    }
}

/// `projects/{project}/locations/{location}/backupCollections/{collection}/backups/{backup}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupName {
    /// The collection.
    pub collection: CollectionName,
    /// The id within it.
    pub backup: BackupId,
}

impl FromStr for BackupName {
    type Err = NameError;

    /// Also takes the product's full resource name.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.strip_prefix(SERVICE_PREFIX).unwrap_or(text);
        let wrong = || NameError::Form { text: text.to_owned(), form: BACKUP_FORM };
        let (collection, backup) = name.split_once("/backups/").ok_or_else(wrong)?;
        let collection = collection.parse().map_err(|error| match error {
            NameError::Form { .. } => wrong(),
            error @ (NameError::Project { .. }
            | NameError::Location { .. }
            | NameError::Instance { .. }
            | NameError::Backup { .. }) => error,
        })?;
        Ok(Self { collection, backup: backup.parse()? })
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/backups/{}", self.collection, self.backup)
    }
}

impl TryFrom<String> for BackupName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<BackupName> for String {
    fn from(name: BackupName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_names_are_read_with_and_without_the_service() {
        let short = "projects/p/locations/us-central1/backupCollections/cache/backups/20261127020000_0a1b2c3d";
        let name: BackupName = short.parse().expect("a name");
        assert_eq!(name.to_string(), short);
        assert_eq!(format!("{SERVICE_PREFIX}{short}").parse(), Ok(name.clone()));
        let instance: InstanceName = "projects/p/locations/us-central1/instances/cache".parse().expect("a name");
        assert_eq!(name.collection, CollectionName::of(&instance));
    }

    #[test]
    fn other_names_are_refused_with_the_form() {
        for bad in ["", "x", "projects/p/locations/us-central1/instances/cache", "projects/p/backups/b"] {
            assert!(matches!(bad.parse::<BackupName>(), Err(NameError::Form { form: BACKUP_FORM, .. })), "{bad:?}");
        }
        for bad in ["", "-a", "_a", "A", "a/b", "a.b", &"a".repeat(64)] {
            assert!(matches!(bad.parse::<BackupId>(), Err(NameError::Backup { .. })), "{bad:?}");
        }
    }

    #[test]
    fn an_id_of_its_own_has_the_products_form() {
        let time = "2026-11-27T02:00:05Z".parse().expect("a time");
        let uid = crate::Uid("0a1b2c3d-0000-4000-8000-000000000000".parse().expect("a uuid"));
        assert_eq!(BackupId::at(time, uid).as_str(), "20261127020005_0a1b2c3d");
        assert_eq!(BackupId::at(time, uid).as_str().parse(), Ok(BackupId::at(time, uid)));
    }
}
