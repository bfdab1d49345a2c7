//! Short ways to say what is done to backups.

use std::time::Duration;

use valkyard_model::{
    AutomatedBackups, Backup, BackupContent, BackupFile, BackupName, BackupOrigin, CollectionName, DesiredInstance, InstanceSpec,
    Operation, OperationId, OperationState, ShardIndex, SlotRange, Timestamp, Uid,
};
use valkyard_store::{BackUpInstance, BackupError, CreateInstance, DeleteBackup, ExportBackup, RequestKey, VerifyBackup};

use crate::scene::{Scene, all_free, named, spec};

/// How long backups of a scene are kept.
const KEPT: Duration = Duration::from_secs(86_400);

pub(crate) fn backup_named(instance: &str, backup: &str) -> BackupName {
    let collection = CollectionName::of(&named(instance));
    BackupName { collection, backup: backup.parse().expect("a valid id") }
}

/// A file for each of two shards.
pub(crate) fn content(now: Timestamp) -> BackupContent {
    let file = |index: u16, slots: Option<SlotRange>| BackupFile {
        shard: ShardIndex(index),
        file: format!("s{index}.rdb"),
        bytes: 100,
        sha256: "a".repeat(64),
        keys: 10,
        keys_expiring: 1,
        digest: "b".repeat(32),
        data_bytes: 1_000,
        largest_key: None,
        slots: slots.into_iter().collect(),
        begun_at: now,
        finished_at: now,
    };
    let files = vec![file(0, SlotRange::new(0, 8_191)), file(1, SlotRange::new(8_192, 16_383))];
    BackupContent { finished_at: now, url: "file:///backups".to_owned(), digest: "c".repeat(32), files }
}

pub(crate) fn has_succeeded(operation: &Operation) -> bool {
    matches!(operation.state, OperationState::Succeeded { .. })
}

impl Scene {
    pub(crate) fn backing_up(&self, instance: &str, backup: &str, now: Timestamp) -> BackUpInstance {
        BackUpInstance {
            name: named(instance),
            backup: Some(backup.parse().expect("a valid id")),
            uid: Uid(self.draw()),
            collection_uid: Uid(self.draw()),
            origin: BackupOrigin::OnDemand,
            create_time: now,
            expire_time: now + KEPT,
            operation_id: OperationId::new(now, self.draw()),
            request: None,
            now,
        }
    }

    pub(crate) async fn back_up(&self, instance: &str, backup: &str, now: Timestamp) -> Result<Operation, BackupError> {
        self.store.back_up_instance(self.backing_up(instance, backup, now)).await
    }

    /// A complete backup.
    pub(crate) async fn backed_up(&self, instance: &str, backup: &str, now: Timestamp) -> Backup {
        let operation = self.back_up(instance, backup, now).await.expect("is accepted");
        self.complete(&operation, backup, now).await;
        self.backup(instance, backup).await.expect("is there")
    }

    /// Records that what an operation makes is complete.
    pub(crate) async fn complete(&self, operation: &Operation, backup: &str, now: Timestamp) {
        let name = crate::scene::instance_of(operation);
        let made = self.backup(name.instance.as_str(), backup).await.expect("is there");
        self.store.record_backup(name, operation.target_uid, made.uid, content(now), now).await.expect("is recorded");
    }

    pub(crate) async fn backup(&self, instance: &str, backup: &str) -> Option<Backup> {
        self.store.backup(&backup_named(instance, backup)).await.expect("reads")
    }

    pub(crate) async fn delete_backup(&self, name: BackupName, now: Timestamp) -> Result<Operation, BackupError> {
        let operation_id = OperationId::new(now, self.draw());
        self.store.delete_backup(DeleteBackup { name, operation_id, request: None, now }).await
    }

    pub(crate) async fn delete_backup_as(
        &self,
        name: BackupName,
        request: RequestKey,
        now: Timestamp,
    ) -> Result<Operation, BackupError> {
        let operation_id = OperationId::new(now, self.draw());
        self.store.delete_backup(DeleteBackup { name, operation_id, request: Some(request), now }).await
    }

    pub(crate) async fn export(&self, name: BackupName, now: Timestamp) -> Result<Operation, BackupError> {
        let operation_id = OperationId::new(now, self.draw());
        let destination = "gs://bucket".to_owned();
        self.store.export_backup(ExportBackup { name, destination, operation_id, request: None, now }).await
    }

    pub(crate) async fn verify(&self, name: BackupName, scratch: &str, now: Timestamp) -> Result<Operation, BackupError> {
        let operation_id = OperationId::new(now, self.draw());
        self.store.verify_backup(VerifyBackup { name, scratch: named(scratch), operation_id, at: now, now }).await
    }

    /// A complete instance with a backup a day.
    pub(crate) async fn scheduled(&self, id: &str, hour: u8, now: Timestamp) -> DesiredInstance {
        let spec = InstanceSpec { automated_backups: AutomatedBackups::Daily { hour, retention: KEPT }, ..spec(1) };
        let creation = CreateInstance { spec, ..self.creation(id, now) };
        let operation = self.store.create_instance(creation, all_free).await.expect("is accepted");
        self.converge(&operation, now).await;
        self.instance(id).await
    }
}
