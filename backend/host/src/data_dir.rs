//! The data folder: made, checked, and locked by one daemon at a time.
//!
//! Layout: `valkyard.db` (the store's), `daemon.lock` (held and written here), `endpoint` (written by the daemon),
//! `instances/<uid>/<serial>/` (see [`NodeHome`]), `backups/` (the backup store's, unless it is elsewhere). Invariant: while a [`DataDir`] lives, no other process has one on the
//! same folder.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;
use valkyard_model::{NodeSerial, Pid, Uid};

use crate::files::Shortcoming;
use crate::node_home::{NodeHome, serial_of_folder};

/// Longest path of a data folder: the engine reads configuration lines of up to 1,024 characters, and a line naming a file
/// of a node takes 100 of them beside this path.
const PATH_LENGTH_MAX: usize = 900;
/// Only the owner may enter: nodes' passwords and data are in here.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const LOCK_FILE: &str = "daemon.lock";
const DATABASE_FILE: &str = "valkyard.db";
/// Written, synced and removed to see whether writing works.
const PROBE_FILE: &str = "write-check";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The path depends on where the daemon was started.
    #[error("data directory {} is a relative path: give an absolute one", path.display())]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// Files in it would have paths that the engine cannot read.
    #[error("data directory path has {length} bytes; at most {PATH_LENGTH_MAX} fit the engine's configuration: {}", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The path cannot be written into the engine's configuration.
    #[error("data directory path {path:?} has characters that the engine's configuration cannot hold: use printable text")]
    Unprintable {
        /// The path.
        path: PathBuf,
    },
    /// It exists and is no folder.
    #[error("data directory {} is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be made or written to.
    #[error("data directory {} is not writable: {remedy}", path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What would help.
        remedy: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No space is left on its disk.
    #[error("no space left in data directory {}: free some or choose another with --data-dir", path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another daemon uses it.
    #[error(
        "data directory {} is in use by another valkyard{}: stop it with `valkyard down`, or choose another directory with --data-dir",
        path.display(),
        pid.map_or_else(String::new, |pid| format!(" (pid {pid})"))
    )]
    AlreadyRunning {
        /// The other daemon, if it has written its pid.
        pid: Option<Pid>,
        /// The folder.
        path: PathBuf,
    },
    /// Anything else.
    #[error("failed to use data directory {}", path.display())]
    Other {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A data folder that this process has locked.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Explicitly: a process that is being forked at this moment has a copy of the descriptor. If it fails, the lock goes
        // with the last copy.
        let _ = self.lock.unlock();
    }
}

impl DataDir {
    /// Makes the folder if needed, sees whether it can be written to, and locks it.
    ///
    /// # Errors
    /// See [`DataDirError`].
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        check_path(path)?;
        create(path)?;
        probe(path).map_err(|error| refusal(path, error))?;
        let lock = take_lock(path)?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Whether a daemon ever used this folder. Takes nothing and changes nothing.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        [LOCK_FILE, DATABASE_FILE].iter().any(|name| path.join(name).exists())
    }

    /// The daemon that has locked this folder, if there is one. Takes nothing and changes nothing.
    ///
    /// # Errors
    /// When it cannot be told, or the daemon has not written its pid yet.
    pub fn peek_daemon(path: &Path) -> io::Result<Option<Pid>> {
        let mut file = match File::open(path.join(LOCK_FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            // Unlocked at once, also in a copy that a process being started at this moment may have.
            Ok(()) => file.unlock().map(|()| None),
            Err(TryLockError::WouldBlock) => match read_pid(&mut file) {
                Some(pid) => Ok(Some(pid)),
                None => Err(io::Error::new(ErrorKind::InvalidData, "the lock of the data directory is held and names no pid")),
            },
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The folder; absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store keeps its database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// The folder of a node, whether it exists or not.
    #[must_use]
    pub fn node_home(&self, uid: Uid, serial: NodeSerial) -> NodeHome {
        NodeHome::new(&self.instances(), uid, serial)
    }

    /// The folder of an instance, whether it exists or not.
    pub(crate) fn instance_path(&self, uid: Uid) -> PathBuf {
        self.instances().join(uid.to_string())
    }

    /// Every node that has a folder here, or a leftover of one; ascending.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn homes(&self) -> io::Result<Vec<NodeHome>> {
        let mut found = Vec::new();
        for instance in names_in(&self.instances())? {
            let Ok(uid) = instance.parse::<Uuid>().map(Uid) else {
                continue;
            };
            let folders = names_in(&self.instances().join(&instance))?;
            found.extend(folders.iter().filter_map(|name| serial_of_folder(name)).map(|serial| self.node_home(uid, serial)));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn instances(&self) -> PathBuf {
        self.path.join("instances")
    }
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // Names that are no text were not made here.
    entries.map(|entry| Ok(entry?.file_name().into_string().ok())).filter_map(Result::transpose).collect()
}

fn check_path(path: &Path) -> Result<(), DataDirError> {
    if path.is_relative() {
        return Err(DataDirError::Relative { path: path.to_owned() });
    }
    let length = path.as_os_str().len();
    if length > PATH_LENGTH_MAX {
        return Err(DataDirError::TooLong { path: path.to_owned(), length });
    }
    let printable = path.to_str().is_some_and(|text| !text.contains(|c: char| c.is_control() || c == '"'));
    if printable { Ok(()) } else { Err(DataDirError::Unprintable { path: path.to_owned() }) }
}

fn create(path: &Path) -> Result<(), DataDirError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(DataDirError::NotADirectory { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(|error| refusal(path, error))
        }
        Err(error) => Err(refusal(path, error)),
    }
}

/// Permission bits do not tell everything (read-only mounts, quotas, ACLs), so it is tried.
fn probe(path: &Path) -> io::Result<()> {
    let probe = path.join(PROBE_FILE);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&probe)?;
    let written = file.write_all(&[b'.'; 4096]).and_then(|()| file.sync_all());
    fs::remove_file(&probe)?;
    written
}

fn refusal(path: &Path, source: io::Error) -> DataDirError {
    let shortcoming = Shortcoming::of(&source);
    let path = path.to_owned();
    match shortcoming {
        Some(Shortcoming::Denied) => {
            let remedy = remedy(&path, rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            DataDirError::NotWritable { path, remedy, source }
        }
        Some(Shortcoming::ReadOnly) => {
            let remedy = "its file system is mounted read-only; choose another directory with --data-dir".to_owned();
            DataDirError::NotWritable { path, remedy, source }
        }
        Some(Shortcoming::DiskFull) => DataDirError::DiskFull { path, source },
        None if source.kind() == ErrorKind::NotADirectory => DataDirError::NotADirectory { path },
        None => DataDirError::Other { path, source },
    }
}

/// The command that makes a folder writable for this user.
fn remedy(path: &Path, user: u32, group: u32) -> String {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(found) if found.uid() == user => format!("run `chmod u+rwx {shown}`"),
        Ok(found) => format!("it belongs to user {}; run `sudo chown -R {user}:{group} {shown}`", found.uid()),
        Err(_) => format!("run `sudo mkdir -p {shown} && sudo chown {user}:{group} {shown}`"),
    }
}

fn take_lock(path: &Path) -> Result<File, DataDirError> {
    let other = |source| DataDirError::Other { path: path.to_owned(), source };
    let lock_path = path.join(LOCK_FILE);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(lock_path);
    let mut lock = opened.map_err(|error| refusal(path, error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DataDirError::AlreadyRunning { pid: read_pid(&mut lock), path: path.to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(other(error)),
    }
    let written = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(|error| refusal(path, error))?;
    Ok(lock)
}

fn read_pid(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok().map(Pid)
}

#[cfg(test)]
mod tests;
