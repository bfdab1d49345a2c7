//! What a folder of this machine needs beyond what any backend does: modes, and folders that last.
//!
//! Files and folders are readable by this user only; folders are made so before anything is written into them. File calls
//! block, so they run on the runtime's threads for that.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::StoreError;
use crate::blocking::blocking;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes the folder, and those above it, so that they last.
pub(super) async fn ensure_folder(folder: PathBuf) -> Result<(), StoreError> {
    blocking(move || ensure(&folder)).await
}

fn ensure(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        ensure(parent)?;
    }
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made.map_err(StoreError::folder("make folder", folder))?,
    }
    parent.map_or(Ok(()), sync)
}

/// Makes a finished file readable by this user only, and its name last.
pub(super) async fn seal(file: PathBuf) -> Result<(), StoreError> {
    blocking(move || {
        let sealed = std::fs::set_permissions(&file, Permissions::from_mode(FILE_MODE));
        sealed.and_then(|()| File::open(&file)?.sync_all()).map_err(StoreError::folder("protect", &file))?;
        file.parent().map_or(Ok(()), sync)
    })
    .await
}

/// Makes names in a folder last.
fn sync(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::folder("synchronise", folder))
}

/// Removes what is left of a folder, and the one above if that was all in it.
pub(super) async fn remove_folder(folder: PathBuf) -> Result<(), StoreError> {
    blocking(move || {
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(StoreError::folder("remove", &folder))?,
        }
        let Some(above) = folder.parent() else { return Ok(()) };
        match std::fs::remove_dir(above) {
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => Ok(()),
            removed => removed.map_err(StoreError::folder("remove", above)),
        }
    })
    .await
}

/// A folder two levels down, with what is in it.
pub(super) struct Found {
    pub(super) collection: String,
    pub(super) backup: String,
    pub(super) changed: SystemTime,
    pub(super) bytes: u64,
}

/// Every folder of a backup that lacks its manifest, also of those whose first file was never finished.
pub(super) async fn folders_without(root: PathBuf, manifest: &'static str) -> Result<Vec<Found>, StoreError> {
    blocking(move || {
        let mut found = Vec::new();
        for collection in folders(&root)? {
            for folder in folders(&collection)? {
                if folder.join(manifest).exists() {
                    continue;
                }
                let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let (changed, bytes) = contents(&folder).map_err(StoreError::folder("look at", &folder))?;
                found.push(Found { collection: name(&collection), backup: name(&folder), changed, bytes });
            }
        }
        Ok(found)
    })
    .await
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = || {
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        Ok(folders)
    };
    read().map_err(StoreError::folder("list", folder))
}

/// When anything in a folder last changed, and its bytes. What vanishes meanwhile does not count.
fn contents(folder: &Path) -> io::Result<(SystemTime, u64)> {
    let (mut changed, mut bytes) = (std::fs::metadata(folder)?.modified()?, 0);
    for entry in std::fs::read_dir(folder)? {
        let metadata = match entry?.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        changed = changed.max(metadata.modified()?);
        bytes += metadata.len();
    }
    Ok((changed, bytes))
}
