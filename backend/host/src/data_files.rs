//! What a node's engine has written of its data: looked at, read, and removed where it is not to be loaded ever again.
//!
//! The reconciler's world looks here, and clears a folder before its process starts. Invariant: nothing is removed under a
//! process. What the files are worth is the planner's business and, when it loads them, the engine's.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use valkyard_model::{DataSeen, DataSource, Timestamp};

use crate::files::{At, FilesError, delete_file, delete_tree};
use crate::node_home::NodeHome;

/// How files begin that an engine had not finished when it ended.
const UNFINISHED_PREFIX: &str = "temp-";
/// The file without which the others of a log of writes are nothing.
const MANIFEST_SUFFIX: &str = ".manifest";
/// More than a log takes in which nothing was ever written, and less than one with anything in it that matters.
const EMPTY_LOG_BYTES_MAX: u64 = 512;

/// Looks for data in a node's folder.
pub(crate) fn data_seen(home: &NodeHome) -> io::Result<DataSeen> {
    let snapshot = modified(&home.path().join(NodeHome::SNAPSHOT_FILE))?;
    Ok(DataSeen { log: log_seen(&home.path().join(NodeHome::LOG_OF_WRITES))?, snapshot })
}

/// When a log of writes was last written to. One that has lost its manifest still counts, as something that nobody can read,
/// unless there was nothing in it: then its engine ended before it had made it.
fn log_seen(folder: &Path) -> io::Result<Option<Timestamp>> {
    let (mut newest, mut bytes, mut has_manifest) = (None, 0, false);
    for entry in entries(folder)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED_PREFIX) {
            continue;
        }
        let found = match entry.metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        has_manifest |= name.ends_with(MANIFEST_SUFFIX);
        bytes += found.len();
        newest = newest.max(Some(found.modified()?));
    }
    let is_there = has_manifest || bytes > EMPTY_LOG_BYTES_MAX;
    Ok(newest.filter(|_| is_there).map(timestamp))
}

/// Whether the log of writes has a manifest; an engine takes one without for none at all and begins with nothing.
#[must_use]
pub fn has_log_manifest(home: &NodeHome) -> bool {
    let found = entries(&home.path().join(NodeHome::LOG_OF_WRITES));
    found.is_ok_and(|entries| entries.iter().any(|entry| entry.file_name().to_string_lossy().ends_with(MANIFEST_SUFFIX)))
}

/// Removes from the folder of a node without a process what it is not to begin with, and what an engine left unfinished.
///
/// # Errors
/// See [`FilesError`]; repeating it goes on.
pub fn keep_only(home: &NodeHome, source: Option<DataSource>) -> Result<(), FilesError> {
    if source != Some(DataSource::Log) {
        delete_tree(&home.path().join(NodeHome::LOG_OF_WRITES))?;
    }
    if source != Some(DataSource::Snapshot) {
        delete_file(&home.path().join(NodeHome::SNAPSHOT_FILE))?;
    }
    for entry in entries(home.path()).at(home.path())? {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
            delete_file(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes data of a running node that its present persistence does not write any more.
///
/// # Errors
/// See [`FilesError`]; repeating it goes on.
pub fn drop_data(home: &NodeHome, source: DataSource) -> Result<(), FilesError> {
    match source {
        DataSource::Log => delete_tree(&home.path().join(NodeHome::LOG_OF_WRITES)),
        DataSource::Snapshot => delete_file(&home.path().join(NodeHome::SNAPSHOT_FILE)),
    }
}

/// What a node's folder says of its cluster; nothing if it cannot be read.
#[must_use]
pub fn cluster_file(home: &NodeHome) -> Option<String> {
    fs::read_to_string(home.path().join(NodeHome::CLUSTER_FILE)).ok()
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn modified(path: &Path) -> io::Result<Option<Timestamp>> {
    match fs::metadata(path).and_then(|found| found.modified()) {
        Ok(time) => Ok(Some(timestamp(time))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    time.into()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use uuid::Uuid;
    use valkyard_model::{NodeSerial, Uid};

    use super::*;

    fn home(folder: &Path) -> NodeHome {
        let home = NodeHome::new(folder, Uid(Uuid::nil()), NodeSerial(1));
        fs::create_dir_all(home.path().join(NodeHome::LOG_OF_WRITES)).expect("creates");
        home
    }

    fn write(home: &NodeHome, name: &str, bytes: usize, second: u64) {
        let path = home.path().join(name);
        fs::write(&path, vec![b'x'; bytes]).expect("writes");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("sets the time");
    }

    fn second(seen: Option<Timestamp>) -> Option<i64> {
        seen.map(|time| time.timestamp())
    }

    #[test]
    fn a_log_is_as_old_as_its_newest_file_and_unfinished_ones_do_not_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = home(folder.path());
        assert_eq!(data_seen(&home).expect("looks"), DataSeen::default());
        write(&home, "appendonlydir/temp-appendonly.aof.incr", 4_096, 9);
        write(&home, "appendonlydir/appendonly.aof.1.base.rdb", 88, 1);
        assert_eq!(data_seen(&home).expect("looks"), DataSeen::default(), "nothing was ever in it");
        write(&home, "appendonlydir/appendonly.aof.manifest", 88, 2);
        write(&home, "appendonlydir/appendonly.aof.1.incr.aof", 4_096, 5);
        write(&home, "dump.rdb", 100, 7);
        let seen = data_seen(&home).expect("looks");
        assert_eq!((second(seen.log), second(seen.snapshot)), (Some(5), Some(7)));
        assert!(has_log_manifest(&home));
    }

    #[test]
    fn a_log_that_lost_its_manifest_is_there_and_unreadable() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = home(folder.path());
        write(&home, "appendonlydir/appendonly.aof.1.incr.aof", 4_096, 5);
        assert!(data_seen(&home).expect("looks").log.is_some() && !has_log_manifest(&home));
    }

    #[test]
    fn what_a_node_does_not_begin_with_is_removed_with_what_is_unfinished() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = home(folder.path());
        write(&home, "appendonlydir/appendonly.aof.manifest", 88, 2);
        write(&home, "dump.rdb", 100, 7);
        write(&home, "temp-99.rdb", 100, 7);
        keep_only(&home, Some(DataSource::Log)).expect("removes");
        let seen = data_seen(&home).expect("looks");
        assert_eq!((second(seen.log), seen.snapshot, home.path().join("temp-99.rdb").exists()), (Some(2), None, false));
        keep_only(&home, None).expect("removes");
        assert_eq!(data_seen(&home).expect("looks"), DataSeen::default());
        keep_only(&home, None).expect("is repeated");
    }
}
