//! Backups and their collections as clients see them.

use memorystore_proto::v1;
use memorystore_proto::v1::backup::{BackupType, State};
use valkyard_model::{Backup, BackupFile, BackupOrigin, BackupState};
use valkyard_store::Collection;

use super::node_type::node_type_message;
use super::time::timestamp_message;

/// A backup.
pub(crate) fn backup_message(backup: &Backup) -> v1::Backup {
    let content = backup.content();
    v1::Backup {
        name: backup.name.to_string(),
        create_time: Some(timestamp_message(backup.create_time)),
        instance: backup.instance.to_string(),
        instance_uid: backup.instance_uid.to_string(),
        total_size_bytes: content.map_or(0, |content| signed(content.bytes())),
        expire_time: Some(timestamp_message(backup.expire_time)),
        engine_version: backup.engine_version.to_string(),
        backup_files: content.map(|content| content.files.iter().map(file_message).collect()).unwrap_or_default(),
        node_type: node_type_message(backup.node_type).into(),
        replica_count: backup.replica_count.into(),
        shard_count: backup.shard_count.into(),
        backup_type: match backup.origin {
            BackupOrigin::OnDemand => BackupType::OnDemand,
            BackupOrigin::Automated { .. } => BackupType::Automated,
        }
        .into(),
        state: match backup.state {
            BackupState::Creating => State::Creating,
            BackupState::Active { .. } => State::Active,
            BackupState::Deleting { .. } => State::Deleting,
        }
        .into(),
        encryption_info: Some(v1::EncryptionInfo {
            encryption_type: v1::encryption_info::Type::GoogleDefaultEncryption.into(),
            ..Default::default()
        }),
        uid: backup.uid.to_string(),
    }
}

fn file_message(file: &BackupFile) -> v1::BackupFile {
    v1::BackupFile {
        file_name: file.file.clone(),
        size_bytes: signed(file.bytes),
        create_time: Some(timestamp_message(file.finished_at)),
    }
}

/// A collection.
pub(crate) fn collection_message(collection: &Collection) -> v1::BackupCollection {
    v1::BackupCollection {
        name: collection.name.to_string(),
        instance_uid: collection.instance_uid.to_string(),
        instance: collection.instance().to_string(),
        kms_key: String::new(),
        uid: collection.uid.to_string(),
        create_time: Some(timestamp_message(collection.create_time)),
        total_backup_size_bytes: signed(collection.bytes),
        total_backup_count: signed(collection.backups),
        last_backup_time: collection.last_backup_time.map(timestamp_message),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
