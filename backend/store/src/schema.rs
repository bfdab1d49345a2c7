//! The schema, its versions, and opening a database file: the checks before it is trusted, the copy before it is changed.
//!
//! The version is in `PRAGMA user_version`, the program in `PRAGMA application_id`. The table `meta` keeps its form for
//! ever, so that any build can tell which version of Valkyard wrote a file.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use crate::error::StoreError;

/// Marks the file as ours: "VKYD".
const APPLICATION_ID: i32 = 0x564b_5944;
/// The file holds the nodes' passwords.
const FILE_MODE: u32 = 0o600;
/// A connection waits this long for the other one's lock: WAL locks are held for microseconds, except while the log is
/// reset after a crash.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection: more than there are different ones.
const STATEMENTS_KEPT: usize = 64;
/// Pages copied at a time before a migration; nobody else uses the file then.
const COPY_PAGES: std::ffi::c_int = 1024;

/// The way from one schema version to the next.
pub(crate) type Migration = &'static str;

/// All migrations; the schema version is how many of them were applied. Released ones are never edited.
pub(crate) const MIGRATIONS: &[Migration] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
];

/// Opens, checks and migrates the writing connection to a file.
pub(crate) fn open_file(path: &Path, migrations: &[Migration]) -> Result<Connection, StoreError> {
    create_private(path).map_err(|source| open_error(path, source))?;
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| sql_error(path, error))?;
    let version = check(path, &connection, migrations)?;
    configure(&connection, "PRAGMA journal_mode = WAL").map_err(|error| sql_error(path, error))?;
    if 0 < version && version < schema_version(migrations) {
        copy_before_migration(path, &connection, version)?;
    }
    migrate(path, &mut connection, version, migrations)?;
    Ok(connection)
}

/// A second connection to a file that [`open_file`] has opened; it cannot write.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| sql_error(path, error))?;
    configure(&connection, "PRAGMA query_only = ON").map_err(|error| sql_error(path, error))?;
    Ok(connection)
}

/// A database that is gone with its connection.
pub(crate) fn open_memory() -> Result<Connection, StoreError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|error| sql_error(path, error))?;
    configure(&connection, "").map_err(|error| sql_error(path, error))?;
    migrate(path, &mut connection, 0, MIGRATIONS)?;
    Ok(connection)
}

fn configure(connection: &Connection, more: &str) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch(&format!("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; {more};"))
}

fn schema_version(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).expect("the list of migrations is short")
}

fn create_private(path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path).map(drop)
}

fn open_error(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Open { path: path.to_owned(), source: source.into() }
}

fn sql_error(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Corrupt { path: path.to_owned(), detail: error.to_string() }
        }
        _ => open_error(path, error),
    }
}

/// Refuses a file that is not ours, is newer, or is damaged. Returns its schema version; 0 for an empty file.
fn check(path: &Path, connection: &Connection, migrations: &[Migration]) -> Result<u32, StoreError> {
    let ask = |error| sql_error(path, error);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(ask)?;
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(ask)?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(ask)?;
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(ask)?;
    let untouched = version == 0 && application == 0 && tables == 0;
    if !untouched && application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let known = schema_version(migrations);
    if version > known {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known, written_by: written_by(connection) });
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(ask)?;
    if verdict == "ok" { Ok(version) } else { Err(StoreError::Corrupt { path: path.to_owned(), detail: verdict }) }
}

/// Which version of Valkyard wrote a file, as far as it can be told: this only serves a message.
fn written_by(connection: &Connection) -> String {
    let query = "SELECT value FROM meta WHERE key = 'written_by'";
    let found = connection.query_row(query, [], |row| row.get(0)).optional();
    found.ok().flatten().unwrap_or_else(|| "of an unknown version".to_owned())
}

fn migrate(path: &Path, connection: &mut Connection, from: u32, migrations: &[Migration]) -> Result<(), StoreError> {
    for (version, migration) in (1..).zip(migrations).skip_while(|(version, _)| *version <= from) {
        apply(connection, version, migration).map_err(|error| StoreError::Migrate {
            path: path.to_owned(),
            version,
            source: error.into(),
        })?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, version: u32, migration: Migration) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(migration)?;
    transaction.execute(
        "INSERT INTO meta (key, value) VALUES ('written_by', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![env!("CARGO_PKG_VERSION")],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// The name of the copy that is made before a file of this version is migrated.
fn copy_path(path: &Path, version: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.bak"));
    PathBuf::from(name)
}

fn copy_before_migration(path: &Path, connection: &Connection, version: u32) -> Result<(), StoreError> {
    let target = copy_path(path, version);
    copy(connection, &target).map_err(|source| StoreError::Copy { path: target, source })
}

/// The copy appears under its name only when it is complete and on disk.
fn copy(connection: &Connection, target: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let unfinished = target.with_extension("bak.new");
    if unfinished.exists() {
        fs::remove_file(&unfinished)?;
    }
    create_private(&unfinished)?;
    let mut destination = Connection::open(&unfinished)?;
    Backup::new(connection, &mut destination)?.run_to_completion(COPY_PAGES, Duration::ZERO, None)?;
    destination.close().map_err(|(_, error)| error)?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, target)?;
    if let Some(folder) = target.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
