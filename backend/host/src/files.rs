//! A node's files: made under another name and renamed, so that a folder is either complete or not there; deleted after
//! being renamed away, for the same reason.
//!
//! Each operation can be repeated, and cleans up what an interrupted one left.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use valkyard_model::{FilesSeen, Seen, Uid};

use crate::data_dir::DataDir;
use crate::data_files::data_seen;
use crate::import_note::import_seen;
use crate::node_home::NodeHome;

/// Only the daemon's user may read what nodes keep.
const FOLDER_MODE: u32 = 0o700;
/// Added to the name of a file while it is written.
const UNFINISHED_SUFFIX: &str = ".new";

/// A file to put into a node's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFile {
    name: String,
    content: Vec<u8>,
    mode: u32,
}

impl NodeFile {
    /// A file that only the owner can read (mode 0600).
    #[must_use]
    pub fn private(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), content: content.into(), mode: 0o600 }
    }
}

/// Why files could not be written or removed.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// No space or quota is left, or a file would be larger than files may be.
    #[error("no space left for {}", path.display())]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not allowed, or the file system is read-only.
    #[error("not permitted to change {}", path.display())]
    PermissionDenied {
        /// What was to be changed.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("failed to change {}", path.display())]
    Other {
        /// What was to be changed.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl FilesError {
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match Shortcoming::of(&source) {
            Some(Shortcoming::DiskFull) => Self::DiskFull { path, source },
            Some(Shortcoming::Denied | Shortcoming::ReadOnly) => Self::PermissionDenied { path, source },
            None => Self::Other { path, source },
        }
    }
}

/// What a machine lacks when it refuses to write, where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortcoming {
    /// Space, quota, or a higher limit of file sizes.
    DiskFull,
    /// Permission.
    Denied,
    /// A writable file system.
    ReadOnly,
}

impl Shortcoming {
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        const KINDS: [(ErrorKind, Shortcoming); 5] = [
            (ErrorKind::StorageFull, Shortcoming::DiskFull),
            (ErrorKind::QuotaExceeded, Shortcoming::DiskFull),
            (ErrorKind::FileTooLarge, Shortcoming::DiskFull),
            (ErrorKind::PermissionDenied, Shortcoming::Denied),
            (ErrorKind::ReadOnlyFilesystem, Shortcoming::ReadOnly),
        ];
        KINDS.iter().find(|(kind, _)| *kind == error.kind()).map(|(_, shortcoming)| *shortcoming)
    }
}

pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T, FilesError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, FilesError> {
        self.map_err(|error| FilesError::new(path, error))
    }
}

/// Makes a node's folder with these files and an empty `node.pid`, on disk when it returns: a folder without that file was
/// tampered with. Does nothing when the folder is complete already. One that lacks its configuration is nobody's work and is
/// replaced.
///
/// # Errors
/// See [`FilesError`]; then the folder is not there.
pub fn prepare(home: &NodeHome, files: &[NodeFile]) -> Result<(), FilesError> {
    if home.config_path().try_exists().at(home.path())? {
        return Ok(());
    }
    let unfinished = home.unfinished_path();
    delete_tree(&unfinished)?;
    discard(home)?;
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&unfinished).at(&unfinished)?;
    let pid_file = NodeFile::private(NodeHome::PID_FILE, "");
    let written = write_all(&unfinished, files.iter().chain([&pid_file]))
        .and_then(|()| fs::rename(&unfinished, home.path()).at(home.path()));
    if let Err(error) = written {
        // The first error is the one to tell; what is left is removed by the next attempt at the latest.
        let _ = delete_tree(&unfinished);
        return Err(error);
    }
    sync_folder(home.instance_path())
}

/// Replaces one file of a complete folder, on disk when it returns: whoever reads it finds the old content or the new. Where
/// the folder is gone there is nothing to replace: it is made anew, with the file, before the node starts again.
///
/// # Errors
/// See [`FilesError`]; then the old content is there.
pub fn rewrite(home: &NodeHome, file: &NodeFile) -> Result<(), FilesError> {
    match files_seen(home) {
        Seen::Absent => return Ok(()),
        Seen::Known(_) | Seen::Unknown => {}
    }
    let unfinished = NodeFile { name: format!("{}{UNFINISHED_SUFFIX}", file.name), ..file.clone() };
    let unfinished_path = home.path().join(&unfinished.name);
    delete_file(&unfinished_path)?;
    let path = home.path().join(&file.name);
    let written = write_all(home.path(), [&unfinished]).and_then(|()| fs::rename(&unfinished_path, &path).at(&path));
    if let Err(error) = written {
        // The first error is the one to tell; what is left is removed by the next attempt at the latest.
        let _ = delete_file(&unfinished_path);
        return Err(error);
    }
    sync_folder(home.path())
}

pub(crate) fn delete_file(path: &Path) -> Result<(), FilesError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).at(path),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_all<'f>(folder: &Path, files: impl IntoIterator<Item = &'f NodeFile>) -> Result<(), FilesError> {
    for file in files {
        let path = folder.join(&file.name);
        if !matches!(Path::new(&file.name).components().collect::<Vec<_>>().as_slice(), [Component::Normal(_)]) {
            return Err(FilesError::new(&path, io::Error::new(ErrorKind::InvalidInput, "not the name of a file")));
        }
        let mut open = OpenOptions::new().write(true).create_new(true).mode(file.mode).open(&path).at(&path)?;
        open.write_all(&file.content).and_then(|()| open.sync_all()).at(&path)?;
    }
    sync_folder(folder)
}

/// Looks at a node's folder; what it remembers of its cluster is the engine's to read.
#[must_use]
pub fn files_seen(home: &NodeHome) -> Seen<FilesSeen> {
    match fs::metadata(home.config_path()) {
        Ok(found) if found.is_file() => match (data_seen(home), import_seen(home)) {
            (Ok(data), Ok(import)) => Seen::Known(FilesSeen { data, memory: None, import }),
            (Err(_), _) | (_, Err(_)) => Seen::Unknown,
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Seen::Absent,
        Ok(_) | Err(_) => Seen::Unknown,
    }
}

/// Removes a node's folder, what interrupted work left of it, and the instance's folder with its last node. Does nothing
/// when nothing is there. The node's process is absent: a folder is not taken from under it.
///
/// # Errors
/// See [`FilesError`]; repeating it goes on.
pub fn remove(home: &NodeHome) -> Result<(), FilesError> {
    discard(home)?;
    delete_tree(&home.unfinished_path())?;
    let instance = home.instance_path();
    match fs::remove_dir(instance) {
        Ok(()) => sync_folder(instance.parent().expect("instance folders are in the folder of instances")),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => Ok(()),
        Err(error) => Err(error).at(instance),
    }
}

/// Removes everything that interrupted work has left of an instance whose nodes are gone. Does nothing when nothing is there.
///
/// # Errors
/// See [`FilesError`]; repeating it goes on.
pub fn remove_leftovers(data_dir: &DataDir, uid: Uid) -> Result<(), FilesError> {
    let instance = data_dir.instance_path(uid);
    delete_tree(&instance)?;
    match sync_folder(instance.parent().expect("instance folders are in the folder of instances")) {
        // No instance ever had a folder here.
        Err(FilesError::Other { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Renames the folder away, if it is there, and deletes it.
fn discard(home: &NodeHome) -> Result<(), FilesError> {
    let discarded = home.discarded_path();
    delete_tree(&discarded)?;
    match fs::rename(home.path(), &discarded) {
        Ok(()) => {
            sync_folder(home.instance_path())?;
            delete_tree(&discarded)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).at(home.path()),
    }
}

pub(crate) fn delete_tree(path: &Path) -> Result<(), FilesError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).at(path),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), FilesError> {
    File::open(folder).and_then(|open| open.sync_all()).at(folder)
}

#[cfg(test)]
mod tests;
