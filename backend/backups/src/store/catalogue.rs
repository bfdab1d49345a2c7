//! What a store holds: listing, opening, deleting, and finding what was never finished.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _};
use valkyard_model::Uid;

use super::error::StoreError;
use super::local;
use super::location::{BackupStore, MANIFEST_FILE};
use super::manifest::Manifest;
use super::names::{BackupRef, CollectionName};

/// Files of a backup that was never finished, or not deleted to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The backup that they would have been, or were.
    pub backup: BackupRef,
    /// When the latest of them was written.
    pub changed_at: DateTime<Utc>,
    /// Their bytes.
    pub bytes: u64,
}

/// The backup and the file that a path of the store names; other objects are not ours.
fn named(root: &Path, location: &Path) -> Option<(BackupRef, String)> {
    let parts: Vec<_> = location.prefix_match(root)?.collect();
    let [collection, backup, file] = parts.as_slice() else { return None };
    let backup = BackupRef { collection: collection.as_ref().parse().ok()?, backup: backup.as_ref().parse().ok()? };
    Some((backup, file.as_ref().to_owned()))
}

impl BackupStore {
    /// The backups of a collection, or all; sorted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn list(&self, collection: Option<&CollectionName>) -> Result<Vec<BackupRef>, StoreError> {
        let prefix = collection.map_or_else(|| self.root().clone(), |collection| self.collection_path(collection));
        let complete = |(backup, file): (BackupRef, String)| (file == MANIFEST_FILE).then_some(backup);
        let objects = self.objects(&prefix).await?;
        let backups: BTreeSet<BackupRef> =
            objects.iter().filter_map(|object| named(self.root(), &object.location).and_then(complete)).collect();
        Ok(backups.into_iter().collect())
    }

    /// The manifest of a backup.
    ///
    /// # Errors
    /// `NoSuchBackup`, `Manifest`, `ManifestVersion`, else see [`StoreError`].
    pub async fn manifest(&self, backup: &BackupRef) -> Result<Manifest, StoreError> {
        let path = self.manifest_path(backup);
        let json = match self.backend.get(&path).await {
            Ok(found) => found.bytes().await.map_err(StoreError::object("read", &path))?,
            Err(object_store::Error::NotFound { .. }) => return Err(StoreError::NoSuchBackup { backup: backup.clone() }),
            Err(source) => return Err(StoreError::object("read", &path)(source)),
        };
        Manifest::from_json(backup, &json)
    }

    /// Deletes the backup with this identity, or what is left of it: the manifest first. There may be nothing to delete.
    ///
    /// # Errors
    /// `Foreign` when another complete backup has its name: that is left alone. Else see [`StoreError`].
    pub async fn delete_own(&self, backup: &BackupRef, uid: Uid) -> Result<(), StoreError> {
        match self.manifest(backup).await {
            Ok(manifest) if manifest.is_of(uid) => self.delete(backup).await,
            Ok(_) => Err(StoreError::Foreign { backup: backup.clone() }),
            Err(StoreError::NoSuchBackup { .. }) => self.remove_files(backup).await,
            Err(error) => Err(error),
        }
    }

    /// Removes files of a backup that has no manifest; does nothing where it has one by now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove_leftover(&self, backup: &BackupRef) -> Result<(), StoreError> {
        let path = self.manifest_path(backup);
        match self.backend.head(&path).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::NotFound { .. }) => self.remove_files(backup).await,
            Err(source) => Err(StoreError::object("look for", &path)(source)),
        }
    }

    /// Deletes a backup, or what is left of one: the manifest first. There may be nothing to delete.
    ///
    /// # Errors
    /// See [`StoreError`]; what is left is then found by [`BackupStore::leftovers`].
    pub async fn delete(&self, backup: &BackupRef) -> Result<(), StoreError> {
        self.remove_object(&self.manifest_path(backup)).await?;
        self.remove_files(backup).await
    }

    /// What was begun and not finished, and not touched since `before`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn leftovers(&self, before: DateTime<Utc>) -> Result<Vec<Leftover>, StoreError> {
        let mut found = match self.local_folder() {
            Some(folder) => local_leftovers(local::folders_without(folder.to_owned(), MANIFEST_FILE).await?),
            None => self.remote_leftovers().await?,
        };
        found.retain(|leftover| leftover.changed_at < before);
        found.sort_by(|a, b| a.backup.cmp(&b.backup));
        Ok(found)
    }

    async fn remote_leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        let mut backups: BTreeMap<BackupRef, Option<Leftover>> = BTreeMap::new();
        for object in self.objects(self.root()).await? {
            let Some((backup, file)) = named(self.root(), &object.location) else { continue };
            let (changed_at, bytes) = (object.last_modified, object.size);
            let first = Leftover { backup: backup.clone(), changed_at, bytes: 0 };
            let entry = backups.entry(backup).or_insert(Some(first));
            if file == MANIFEST_FILE {
                *entry = None;
            }
            if let Some(leftover) = entry {
                leftover.changed_at = leftover.changed_at.max(changed_at);
                leftover.bytes += bytes;
            }
        }
        Ok(backups.into_values().flatten().collect())
    }

    /// Names and lengths of a backup's files but the manifest.
    pub(super) async fn files_of(&self, backup: &BackupRef) -> Result<Vec<(String, u64)>, StoreError> {
        let objects = self.objects(&self.backup_path(backup)).await?;
        let file = |object: &ObjectMeta| Some((named(self.root(), &object.location)?.1, object.size));
        Ok(objects.iter().filter_map(file).filter(|(file, _)| file != MANIFEST_FILE).collect())
    }

    /// Removes everything of a backup whose manifest is gone.
    pub(super) async fn remove_files(&self, backup: &BackupRef) -> Result<(), StoreError> {
        if let Some(folder) = self.local_folder() {
            return local::remove_folder(folder.join(backup.collection.as_str()).join(backup.backup.as_str())).await;
        }
        for object in self.objects(&self.backup_path(backup)).await? {
            self.remove_object(&object.location).await?;
        }
        Ok(())
    }

    async fn remove_object(&self, path: &Path) -> Result<(), StoreError> {
        match self.backend.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(StoreError::object("delete", path)(source)),
        }
    }

    async fn objects(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, StoreError> {
        self.backend.list(Some(prefix)).try_collect().await.map_err(StoreError::object("list", prefix))
    }
}

fn local_leftovers(found: Vec<local::Found>) -> Vec<Leftover> {
    let leftover = |found: local::Found| {
        let backup = BackupRef { collection: found.collection.parse().ok()?, backup: found.backup.parse().ok()? };
        Some(Leftover { backup, changed_at: found.changed.into(), bytes: found.bytes })
    };
    found.into_iter().filter_map(leftover).collect()
}
