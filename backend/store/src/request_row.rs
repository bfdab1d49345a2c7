//! Rows of the table `requests`: which idempotency keys were used lately, for what, and which operation they led to.

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension, params};
use valkyard_model::{Operation, OperationId, RequestId, Timestamp};

use crate::command::RequestKey;
use crate::error::{BackupError, CreateError, DatabaseError, DeleteError, UpdateError};
use crate::instance_row::to_nanos;
use crate::operation_row;

/// How long a request id is remembered: a day outlasts every retry of a client (the product promises an hour).
const REQUESTS_KEPT: TimeDelta = TimeDelta::hours(24);

/// What is known of a request id.
pub(crate) enum Earlier {
    /// Not used lately.
    New,
    /// Used for the same request, which led to this operation.
    Same(Box<Operation>),
    /// Used for another request.
    Other(RequestReused),
}

/// A request id that comes with other content than before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestReused {
    id: RequestId,
}

macro_rules! as_variant_of {
    ($($error:ident),+) => {$(
        impl From<RequestReused> for $error {
            fn from(reused: RequestReused) -> Self {
                Self::RequestReused { id: reused.id }
            }
        }
    )+};
}

as_variant_of!(CreateError, UpdateError, DeleteError, BackupError);

/// Looks a request up and forgets those that are too old.
pub(crate) fn look_up(connection: &Connection, request: Option<&RequestKey>, now: Timestamp) -> Result<Earlier, DatabaseError> {
    let before = to_nanos("accepted", now - REQUESTS_KEPT)?;
    connection.prepare_cached("DELETE FROM requests WHERE accepted < ?1")?.execute(params![before])?;
    let Some(request) = request else {
        return Ok(Earlier::New);
    };
    let found: Option<(String, String)> = connection
        .prepare_cached("SELECT digest, operation FROM requests WHERE id = ?1")?
        .query_row(params![request.id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((digest, operation)) = found else {
        return Ok(Earlier::New);
    };
    if digest != request.digest {
        return Ok(Earlier::Other(RequestReused { id: request.id }));
    }
    let operation = operation_row::find(connection, &OperationId::from_client(&operation))?;
    Ok(operation.map_or(Earlier::New, |operation| Earlier::Same(Box::new(operation))))
}

/// Remembers what a request led to.
pub(crate) fn remember(
    connection: &Connection,
    request: Option<&RequestKey>,
    operation: &Operation,
) -> Result<(), DatabaseError> {
    if let Some(request) = request {
        connection.prepare_cached("INSERT INTO requests (id, digest, operation, accepted) VALUES (?1, ?2, ?3, ?4)")?.execute(
            params![request.id.to_string(), request.digest, operation.id.as_str(), to_nanos("accepted", operation.create_time)?],
        )?;
    }
    Ok(())
}
