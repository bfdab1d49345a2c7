//! A connection at work: transactions, and the way on when the disk is full.
//!
//! Owned by one database thread. Invariant: a command is committed whole or not at all, however often it is tried.

use std::error::Error;

use rusqlite::{Connection, TransactionBehavior};
use tracing::debug;

use crate::error::{DatabaseError, is_disk_full};
use crate::reserve::Reserve;

/// A connection, and the reserve of the disk it writes to.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    reserve: Option<Reserve>,
}

impl Session {
    /// A session of a connection that reads, or has no disk.
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, reserve: None }
    }

    /// A session of the connection that writes to a disk.
    pub(crate) fn with_reserve(connection: Connection, reserve: Reserve) -> Self {
        Self { connection, reserve: Some(reserve) }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Commits everything the command did, or nothing when it returns an error.
    pub(crate) fn transact<T, E, F>(&mut self, command: F) -> Result<T, E>
    where
        E: From<DatabaseError>,
        F: FnOnce(&Connection) -> Result<T, E>,
    {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(DatabaseError::from)?;
        let value = command(&transaction)?;
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(value)
    }

    /// Like [`Self::transact`], for a command that lets work end: on a full disk it takes from the reserve, portion by
    /// portion, until it fits or nothing is left.
    pub(crate) fn transact_way_out<T, E, F>(&mut self, command: F) -> Result<T, E>
    where
        E: From<DatabaseError> + Error + 'static,
        F: Fn(&Connection) -> Result<T, E>,
    {
        let mut outcome = self.transact(&command);
        if outcome.is_ok()
            && let Some(reserve) = &mut self.reserve
        {
            reserve.refill_if_short();
        }
        while outcome.as_ref().is_err_and(|error| is_disk_full(error))
            && self.reserve.as_mut().is_some_and(Reserve::release_portion)
        {
            self.reuse_log();
            outcome = self.transact(&command);
        }
        outcome
    }

    /// Moves the log into the database file, after which it is written again from its start: most of the next writes then
    /// need no room at all.
    fn reuse_log(&self) {
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            debug!(%error, "the log cannot be moved into the database; it is written on at its end");
        }
    }
}
