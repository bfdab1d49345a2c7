//! Reads. Each is one statement or one transaction, hence one consistent view.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use valkyard_model::{
    Backup, BackupName, DesiredInstance, ExportOrder, InstanceId, InstanceName, Keeping, LocationId, Operation, OperationId,
    OperationTarget, ProjectId, Timestamp, Verb,
};

use crate::error::DatabaseError;
use crate::instance_row::{self, INSTANCE_VIEW, name_of, to_nanos};
use crate::operation_row::{self, OPERATION_COLUMNS};
use crate::{backup_row, schedule_row};

/// Which resources a list is about; `None` means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The project.
    pub project: Option<ProjectId>,
    /// The region.
    pub location: Option<LocationId>,
}

impl Scope {
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_ref().map(ProjectId::as_str)
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.location.as_ref().map(LocationId::as_str)
    }
}

/// The order of a list of instances, and the instance after which it goes on (which need not exist any more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceOrder {
    /// By project, location and id.
    Name {
        /// The last one of the page before.
        after: Option<InstanceName>,
    },
    /// Oldest first; by name where ages are equal.
    CreateTime {
        /// The last one of the page before.
        after: Option<(Timestamp, InstanceName)>,
    },
}

/// One page of instances.
pub(crate) fn instances(
    connection: &Connection,
    scope: &Scope,
    order: &InstanceOrder,
    limit: u32,
) -> Result<Vec<DesiredInstance>, DatabaseError> {
    let (key, after_time, after) = match order {
        InstanceOrder::Name { after } => ("0", 0, after.as_ref()),
        InstanceOrder::CreateTime { after: None } => ("create_time", 0, None),
        InstanceOrder::CreateTime { after: Some((time, name)) } => ("create_time", to_nanos("create_time", *time)?, Some(name)),
    };
    let order_by = match order {
        InstanceOrder::Name { .. } => "project, location, instance",
        InstanceOrder::CreateTime { .. } => "create_time, project, location, instance",
    };
    let sql = format!(
        "SELECT {INSTANCE_VIEW} FROM instances
         WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR location = ?2)
           AND (?3 IS NULL OR ({key}, project, location, instance) > (?6, ?3, ?4, ?5))
         ORDER BY {order_by} LIMIT ?7"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        scope.project(),
        scope.location(),
        after.map(|name| name.project.as_str()),
        after.map(|name| name.location.as_str()),
        after.map(|name| name.instance.as_str()),
        after_time,
        limit,
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(instance_row::read(row)?);
    }
    Ok(found)
}

/// The names of all instances, in order.
pub(crate) fn all_names(connection: &Connection) -> Result<Vec<InstanceName>, DatabaseError> {
    let mut statement =
        connection.prepare_cached("SELECT project, location, instance FROM instances ORDER BY project, location, instance")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(name_of(row)?);
    }
    Ok(found)
}

/// One page of operations, by id, which is by age.
pub(crate) fn operations(
    connection: &Connection,
    scope: &Scope,
    after: Option<&OperationId>,
    limit: u32,
) -> Result<Vec<Operation>, DatabaseError> {
    let sql = format!(
        "SELECT {OPERATION_COLUMNS} FROM operations
         WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR location = ?2) AND (?3 IS NULL OR id > ?3)
         ORDER BY id LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![scope.project(), scope.location(), after.map(OperationId::as_str), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(operation_row::read(row)?);
    }
    Ok(found)
}

/// One page of backups, by name; of the collections with this id in a scope, or of all in it.
pub(crate) fn backups(
    connection: &Connection,
    scope: &Scope,
    collection: Option<&InstanceId>,
    after: Option<&BackupName>,
    limit: u32,
) -> Result<Vec<Backup>, DatabaseError> {
    let sql = "SELECT record FROM backups
         WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR location = ?2) AND (?3 IS NULL OR collection = ?3)
           AND (?4 IS NULL OR (project, location, collection, backup) > (?4, ?5, ?6, ?7))
         ORDER BY project, location, collection, backup LIMIT ?8";
    let parameters = params![
        scope.project(),
        scope.location(),
        collection.map(InstanceId::as_str),
        after.map(|name| name.collection.project.as_str()),
        after.map(|name| name.collection.location.as_str()),
        after.map(|name| name.collection.collection.as_str()),
        after.map(|name| name.backup.as_str()),
        limit,
    ];
    backup_row::read_all(connection, sql, parameters)
}

/// Everything about backups that wants something done.
pub(crate) fn keeping(connection: &Connection) -> Result<Keeping, DatabaseError> {
    let all = "SELECT record FROM backups ORDER BY create_time, project, location, collection, backup";
    let sql = format!(
        "SELECT {OPERATION_COLUMNS}, destination FROM operations WHERE backup IS NOT NULL AND end_time IS NULL ORDER BY id"
    );
    let (mut exports, mut deletions, mut cancelled) = (Vec::new(), BTreeMap::new(), Vec::new());
    // Several statements, one view; it ends without effect.
    let view = connection.unchecked_transaction()?;
    let mut statement = view.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let operation = operation_row::read(row)?;
        let destination: Option<String> = row.get("destination")?;
        match (operation.target, destination) {
            (OperationTarget::Backup(backup), Some(destination)) => exports.push(ExportOrder {
                operation: operation.id,
                backup,
                uid: operation.target_uid,
                destination,
                is_cancelled: operation.cancel_requested,
            }),
            _ if operation.verb == Verb::Delete => drop(deletions.insert(operation.target_uid, operation.id)),
            _ if operation.cancel_requested => cancelled.push(operation.id),
            _ => {}
        }
    }
    Ok(Keeping {
        backups: backup_row::read_all(&view, all, [])?,
        scheduled: schedule_row::all(&view)?,
        exports,
        verifications: backup_row::verifications(&view)?,
        deletions,
        cancelled,
    })
}
