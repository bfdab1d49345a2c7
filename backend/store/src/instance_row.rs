//! Rows of the table `instances`: the mapping to [`DesiredInstance`] and the statements on them.
//!
//! What is searched or ordered by has a column of its own; the rest is JSON of the model's values.

use chrono::DateTime;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use valkyard_model::{
    AdminSecret, ByteSize, Convergence, DesiredInstance, Generation, InstanceId, InstanceName, LocationId, NodeSerial, ProjectId,
    Timestamp, Uid, Zone,
};

use crate::address::FreeAddress;
use crate::error::DatabaseError;

pub(crate) const INSTANCE_COLUMNS: &str = "project, location, instance, uid, generation, shape_generation, converged, lifecycle, \
     spec, maxmemory, address, nodes, next_serial, secret, create_time, update_time, settled, losses, replication";

/// What [`read`] needs: the columns, every zone that was taken away, the backup that is being made, and whether there are any.
pub(crate) const INSTANCE_VIEW: &str = "instances.*, (SELECT json_group_array(zone) FROM zone_outages) AS zones_out, \
     (SELECT task FROM backups WHERE backups.instance_uid = instances.uid AND state = 'creating') AS task, \
     EXISTS (SELECT 1 FROM collections WHERE collections.project = instances.project \
     AND collections.location = instances.location AND collections.collection = instances.instance) AS has_backups";

fn unreadable(what: &'static str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> DatabaseError {
    move |source| DatabaseError::Unreadable { what, source }
}

pub(crate) fn to_json(what: &'static str, value: &impl Serialize) -> Result<String, DatabaseError> {
    serde_json::to_string(value).map_err(|error| unreadable(what)(error.into()))
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, row: &Row<'_>) -> Result<T, DatabaseError> {
    let text = row.get_ref(what)?.as_str().map_err(|error| unreadable(what)(error.into()))?;
    serde_json::from_str(text).map_err(|error| unreadable(what)(error.into()))
}

pub(crate) fn from_json_or_null<T: DeserializeOwned>(what: &'static str, row: &Row<'_>) -> Result<Option<T>, DatabaseError> {
    if row.get_ref(what)? == ValueRef::Null { Ok(None) } else { from_json(what, row).map(Some) }
}

pub(crate) fn parsed<T>(what: &'static str, row: &Row<'_>) -> Result<T, DatabaseError>
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let text = row.get_ref(what)?.as_str().map_err(|error| unreadable(what)(error.into()))?;
    text.parse().map_err(|error: T::Err| unreadable(what)(error.into()))
}

/// SQLite's integers are signed; generations and sizes never come near the limit.
pub(crate) fn to_integer(what: &'static str, value: u64) -> Result<i64, DatabaseError> {
    i64::try_from(value).map_err(|error| unreadable(what)(error.into()))
}

pub(crate) fn from_integer(what: &'static str, value: i64) -> Result<u64, DatabaseError> {
    u64::try_from(value).map_err(|error| unreadable(what)(error.into()))
}

/// Nanoseconds since 1970, which hold until 2262.
pub(crate) fn to_nanos(what: &'static str, time: Timestamp) -> Result<i64, DatabaseError> {
    time.timestamp_nanos_opt().ok_or_else(|| unreadable(what)("time outside the years 1677 to 2262".into()))
}

pub(crate) fn time_of(what: &'static str, row: &Row<'_>) -> Result<Timestamp, DatabaseError> {
    Ok(DateTime::from_timestamp_nanos(row.get(what)?))
}

pub(crate) fn uid_of(what: &'static str, row: &Row<'_>) -> Result<Uid, DatabaseError> {
    parsed::<Uuid>(what, row).map(Uid)
}

pub(crate) fn generation_of(what: &'static str, row: &Row<'_>) -> Result<Generation, DatabaseError> {
    from_integer(what, row.get(what)?).map(Generation)
}

pub(crate) fn name_of(row: &Row<'_>) -> Result<InstanceName, DatabaseError> {
    Ok(InstanceName {
        project: parsed::<ProjectId>("project", row)?,
        location: parsed::<LocationId>("location", row)?,
        instance: parsed::<InstanceId>("instance", row)?,
    })
}

fn converged_column(convergence: Convergence) -> Result<Option<i64>, DatabaseError> {
    match convergence {
        Convergence::Never => Ok(None),
        Convergence::At { generation } => to_integer("converged", generation.0).map(Some),
    }
}

fn settled_column(instance: &DesiredInstance) -> Result<Option<String>, DatabaseError> {
    instance.settled.as_ref().map(|settled| to_json("settled", settled)).transpose()
}

pub(crate) fn read(row: &Row<'_>) -> Result<DesiredInstance, DatabaseError> {
    let convergence = match row.get::<_, Option<i64>>("converged")? {
        None => Convergence::Never,
        Some(generation) => Convergence::At { generation: Generation(from_integer("converged", generation)?) },
    };
    let name = name_of(row)?;
    let zones_out: Vec<String> = from_json("zones_out", row)?;
    Ok(DesiredInstance {
        zones_out: zones_out.iter().filter_map(|zone| Zone::of(&name.location, zone)).collect(),
        name,
        uid: uid_of("uid", row)?,
        generation: generation_of("generation", row)?,
        shape_generation: generation_of("shape_generation", row)?,
        convergence,
        lifecycle: from_json("lifecycle", row)?,
        spec: from_json("spec", row)?,
        settled: from_json_or_null("settled", row)?,
        losses: from_json("losses", row)?,
        maxmemory: ByteSize(from_integer("maxmemory", row.get("maxmemory")?)?),
        address: from_json("address", row)?,
        nodes: from_json("nodes", row)?,
        next_serial: NodeSerial(row.get("next_serial")?),
        secret: from_json::<AdminSecret>("secret", row)?,
        backup: from_json_or_null("task", row)?,
        has_backups: row.get("has_backups")?,
        replication: from_json("replication", row)?,
        create_time: time_of("create_time", row)?,
        update_time: time_of("update_time", row)?,
    })
}

/// The instance with this name.
pub(crate) fn find(connection: &Connection, name: &InstanceName) -> Result<Option<DesiredInstance>, DatabaseError> {
    let sql = format!("SELECT {INSTANCE_VIEW} FROM instances WHERE project = ?1 AND location = ?2 AND instance = ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![name.project.as_str(), name.location.as_str(), name.instance.as_str()])?;
    rows.next()?.map(read).transpose()
}

/// Stores a new instance with the address that was found free in the same transaction.
pub(crate) fn insert(connection: &Connection, new: &DesiredInstance, place: &FreeAddress) -> Result<(), DatabaseError> {
    let sql = format!(
        "INSERT INTO instances ({INSTANCE_COLUMNS}, address_plan, address_number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
    );
    connection.prepare_cached(&sql)?.execute(params![
        new.name.project.as_str(),
        new.name.location.as_str(),
        new.name.instance.as_str(),
        new.uid.to_string(),
        to_integer("generation", new.generation.0)?,
        to_integer("shape_generation", new.shape_generation.0)?,
        converged_column(new.convergence)?,
        to_json("lifecycle", &new.lifecycle)?,
        to_json("spec", &new.spec)?,
        to_integer("maxmemory", new.maxmemory.0)?,
        to_json("address", &new.address)?,
        to_json("nodes", &new.nodes)?,
        new.next_serial.0,
        to_json("secret", &new.secret)?,
        to_nanos("create_time", new.create_time)?,
        to_nanos("update_time", new.update_time)?,
        settled_column(new)?,
        to_json("losses", &new.losses)?,
        to_json("replication", &new.replication)?,
        place.plan_column(),
        place.number,
    ])?;
    Ok(())
}

/// Writes back what may change during an instance's life; its identity, address and secret never do.
pub(crate) fn save(connection: &Connection, changed: &DesiredInstance) -> Result<(), DatabaseError> {
    const SQL: &str = "UPDATE instances SET generation = ?2, converged = ?3, lifecycle = ?4, spec = ?5, maxmemory = ?6,
         nodes = ?7, next_serial = ?8, update_time = ?9, shape_generation = ?10, settled = ?11, losses = ?12,
         replication = ?13 WHERE uid = ?1";
    connection.prepare_cached(SQL)?.execute(params![
        changed.uid.to_string(),
        to_integer("generation", changed.generation.0)?,
        converged_column(changed.convergence)?,
        to_json("lifecycle", &changed.lifecycle)?,
        to_json("spec", &changed.spec)?,
        to_integer("maxmemory", changed.maxmemory.0)?,
        to_json("nodes", &changed.nodes)?,
        changed.next_serial.0,
        to_nanos("update_time", changed.update_time)?,
        to_integer("shape_generation", changed.shape_generation.0)?,
        settled_column(changed)?,
        to_json("losses", &changed.losses)?,
        to_json("replication", &changed.replication)?,
    ])?;
    Ok(())
}

/// Removes an instance, which frees its name and address.
pub(crate) fn remove(connection: &Connection, uid: Uid) -> Result<(), DatabaseError> {
    connection.prepare_cached("DELETE FROM instances WHERE uid = ?1")?.execute(params![uid.to_string()])?;
    Ok(())
}
