//! Rows of the table `collections`: each holds the backups of one instance, and of those of the same name after it.

use chrono::DateTime;
use rusqlite::{Connection, Row, params};
use valkyard_model::{CollectionName, InstanceName, Timestamp, Uid};

use crate::error::DatabaseError;
use crate::instance_row::{from_integer, parsed, time_of, to_nanos, uid_of};

/// A collection, with what its backups amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its name.
    pub name: CollectionName,
    /// Its identity.
    pub uid: Uid,
    /// The last incarnation of its instance that a backup was made of.
    pub instance_uid: Uid,
    /// When its first backup was accepted.
    pub create_time: Timestamp,
    /// When its last backup became complete.
    pub last_backup_time: Option<Timestamp>,
    /// Its backups, in whatever state.
    pub backups: u64,
    /// Bytes of those that are complete.
    pub bytes: u64,
}

impl Collection {
    /// The instance it belongs to, which may not exist any more.
    #[must_use]
    pub fn instance(&self) -> InstanceName {
        let CollectionName { project, location, collection } = self.name.clone();
        InstanceName { project, location, instance: collection }
    }
}

const VIEW: &str = "collections.*,
    (SELECT count(*) FROM backups WHERE (backups.project, backups.location, backups.collection)
        = (collections.project, collections.location, collections.collection)) AS backups,
    (SELECT coalesce(sum(file.value ->> '$.bytes'), 0) FROM backups, json_each(backups.record, '$.state.content.files') AS file
        WHERE (backups.project, backups.location, backups.collection)
        = (collections.project, collections.location, collections.collection)) AS bytes";

fn read(row: &Row<'_>) -> Result<Collection, DatabaseError> {
    let (project, location, collection) = (parsed("project", row)?, parsed("location", row)?, parsed("collection", row)?);
    Ok(Collection {
        name: CollectionName { project, location, collection },
        uid: uid_of("uid", row)?,
        instance_uid: uid_of("instance_uid", row)?,
        create_time: time_of("create_time", row)?,
        last_backup_time: row.get::<_, Option<i64>>("last_backup_time")?.map(DateTime::from_timestamp_nanos),
        backups: from_integer("backups", row.get("backups")?)?,
        bytes: from_integer("bytes", row.get("bytes")?)?,
    })
}

fn read_all(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Collection>, DatabaseError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The collection with this name.
pub(crate) fn find(connection: &Connection, name: &CollectionName) -> Result<Option<Collection>, DatabaseError> {
    let sql = format!("SELECT {VIEW} FROM collections WHERE project = ?1 AND location = ?2 AND collection = ?3");
    let parameters = params![name.project.as_str(), name.location.as_str(), name.collection.as_str()];
    Ok(read_all(connection, &sql, parameters)?.pop())
}

/// One page of collections, by name.
pub(crate) fn list(
    connection: &Connection,
    project: Option<&str>,
    location: Option<&str>,
    after: Option<&CollectionName>,
    limit: u32,
) -> Result<Vec<Collection>, DatabaseError> {
    let sql = format!(
        "SELECT {VIEW} FROM collections WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR location = ?2)
           AND (?3 IS NULL OR (project, location, collection) > (?3, ?4, ?5))
         ORDER BY project, location, collection LIMIT ?6"
    );
    let parameters = params![
        project,
        location,
        after.map(|name| name.project.as_str()),
        after.map(|name| name.location.as_str()),
        after.map(|name| name.collection.as_str()),
        limit,
    ];
    read_all(connection, &sql, parameters)
}

/// Makes the collection of an instance, or goes on with the one that is there.
pub(crate) fn ensure(
    connection: &Connection,
    name: &CollectionName,
    uid: Uid,
    instance_uid: Uid,
    create_time: Timestamp,
) -> Result<(), DatabaseError> {
    let sql =
        "INSERT INTO collections (project, location, collection, uid, instance_uid, create_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (project, location, collection) DO UPDATE SET instance_uid = excluded.instance_uid";
    connection.prepare_cached(sql)?.execute(params![
        name.project.as_str(),
        name.location.as_str(),
        name.collection.as_str(),
        uid.to_string(),
        instance_uid.to_string(),
        to_nanos("create_time", create_time)?,
    ])?;
    Ok(())
}

/// Notes when the last backup became complete.
pub(crate) fn note_backup(connection: &Connection, name: &CollectionName, time: Timestamp) -> Result<(), DatabaseError> {
    let sql = "UPDATE collections SET last_backup_time = ?4 WHERE project = ?1 AND location = ?2 AND collection = ?3";
    connection.prepare_cached(sql)?.execute(params![
        name.project.as_str(),
        name.location.as_str(),
        name.collection.as_str(),
        to_nanos("last_backup_time", time)?,
    ])?;
    Ok(())
}

/// Removes a collection without backups.
pub(crate) fn remove_if_empty(connection: &Connection, name: &CollectionName) -> Result<(), DatabaseError> {
    let sql = "DELETE FROM collections WHERE project = ?1 AND location = ?2 AND collection = ?3 AND NOT EXISTS
        (SELECT 1 FROM backups WHERE project = ?1 AND location = ?2 AND collection = ?3)";
    let parameters = params![name.project.as_str(), name.location.as_str(), name.collection.as_str()];
    connection.prepare_cached(sql)?.execute(parameters)?;
    Ok(())
}
