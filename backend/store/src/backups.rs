//! The part of the handle that is about backups: one async method per transaction.

use valkyard_model::{
    Backup, BackupContent, BackupName, CollectionName, Failure, InstanceId, InstanceName, Keeping, Operation, OperationId,
    ScheduleRecord, Timestamp, Uid, Verification,
};

use crate::backup_row;
use crate::collection_row::{self, Collection};
use crate::command::{self, BackUpInstance, DeleteBackup, ExportBackup, VerifyBackup};
use crate::error::{BackupError, DatabaseError, ProgressError};
use crate::query::{self, Scope};
use crate::schedule_row;
use crate::store::Store;

impl Store {
    /// Accepts a backup of an instance: record and operation; the instance's loop makes it. The same request within 24 h
    /// returns the first operation.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn back_up_instance(&self, accepted: BackUpInstance) -> Result<Operation, BackupError> {
        self.writer.write(move |tx| command::back_up_instance(tx, accepted)).await
    }

    /// Records that a backup is complete in the store; ends its operation. Idempotent; does nothing for one that is not being
    /// made any more.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn record_backup(
        &self,
        name: &InstanceName,
        uid: Uid,
        backup: Uid,
        content: BackupContent,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::record_backup(tx, &name, uid, backup, content.clone(), now)).await
    }

    /// Gives up a backup that is being made: its files are removed, then its record. Idempotent; does nothing for one that is
    /// not being made any more.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn abandon_backup(
        &self,
        name: &InstanceName,
        uid: Uid,
        backup: Uid,
        failure: Failure,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::abandon_backup(tx, &name, uid, backup, &failure, now)).await
    }

    /// Accepts the deletion of a backup. The same request within 24 h returns the first operation.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn delete_backup(&self, delete: DeleteBackup) -> Result<Operation, BackupError> {
        self.writer.write_way_out(move |tx| command::delete_backup(tx, delete.clone())).await
    }

    /// Marks a complete backup as on its way out, unless something needs it; returns whether it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_backup(&self, uid: Uid) -> Result<bool, DatabaseError> {
        self.writer.write_way_out(move |tx| command::expire_backup(tx, uid)).await
    }

    /// Removes the record of a backup whose files are gone; ends its deletion, and with the last one its collection. Idempotent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_backup(&self, uid: Uid, now: Timestamp) -> Result<(), DatabaseError> {
        self.writer.write_way_out(move |tx| command::remove_backup(tx, uid, now)).await
    }

    /// Accepts an export. The same request within 24 h returns the first operation.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn export_backup(&self, export: ExportBackup) -> Result<Operation, BackupError> {
        self.writer.write(move |tx| command::export_backup(tx, export)).await
    }

    /// Ends an export. Idempotent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_export(
        &self,
        id: &OperationId,
        backup: Uid,
        outcome: Result<(), Failure>,
        now: Timestamp,
    ) -> Result<(), DatabaseError> {
        let id = id.clone();
        self.writer.write_way_out(move |tx| command::finish_export(tx, &id, backup, outcome.as_ref().copied(), now)).await
    }

    /// Accepts a verification.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn verify_backup(&self, verify: VerifyBackup) -> Result<Operation, BackupError> {
        self.writer.write(move |tx| command::verify_backup(tx, verify)).await
    }

    /// Ends a verification; `failure` is what its operation reports unless the backup passed. Idempotent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_verification(
        &self,
        backup: Uid,
        outcome: Verification,
        failure: Option<Failure>,
        now: Timestamp,
    ) -> Result<(), DatabaseError> {
        let finish =
            move |tx: &rusqlite::Connection| command::finish_verification(tx, backup, outcome.clone(), failure.as_ref(), now);
        self.writer.write_way_out(finish).await
    }

    /// Says whether automated backups of an instance are verified.
    ///
    /// # Errors
    /// `NotFound`, or when the database fails.
    pub async fn set_verify(&self, name: &InstanceName, verify: bool) -> Result<(), BackupError> {
        let name = name.clone();
        self.writer.write(move |tx| command::set_verify(tx, &name, verify)).await
    }

    /// The backup with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backup(&self, name: &BackupName) -> Result<Option<Backup>, DatabaseError> {
        let name = name.clone();
        self.reader.read(move |connection| backup_row::find(connection, &name)).await
    }

    /// One page of backups, by name: those of the collections with this id in a scope, or of all in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backups(
        &self,
        scope: &Scope,
        collection: Option<&InstanceId>,
        after: Option<BackupName>,
        limit: u32,
    ) -> Result<Vec<Backup>, DatabaseError> {
        let (scope, collection) = (scope.clone(), collection.cloned());
        let list = move |connection: &rusqlite::Connection| {
            query::backups(connection, &scope, collection.as_ref(), after.as_ref(), limit)
        };
        self.reader.read(list).await
    }

    /// Full names of instances and operations that need a backup to stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backup_users(&self, backup: &Backup) -> Result<Vec<String>, DatabaseError> {
        let backup = backup.clone();
        self.reader.read(move |connection| backup_row::users(connection, &backup)).await
    }

    /// The collection with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn collection(&self, name: &CollectionName) -> Result<Option<Collection>, DatabaseError> {
        let name = name.clone();
        self.reader.read(move |connection| collection_row::find(connection, &name)).await
    }

    /// One page of collections, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn collections(
        &self,
        scope: &Scope,
        after: Option<CollectionName>,
        limit: u32,
    ) -> Result<Vec<Collection>, DatabaseError> {
        let scope = scope.clone();
        let list = move |connection: &rusqlite::Connection| {
            collection_row::list(connection, scope.project(), scope.location(), after.as_ref(), limit)
        };
        self.reader.read(list).await
    }

    /// What is remembered of the schedule of an instance.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schedule(&self, instance: Uid) -> Result<Option<ScheduleRecord>, DatabaseError> {
        self.reader.read(move |connection| schedule_row::find(connection, instance)).await
    }

    /// Everything about backups that wants something done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keeping(&self) -> Result<Keeping, DatabaseError> {
        self.reader.read(query::keeping).await
    }
}
