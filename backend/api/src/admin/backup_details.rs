//! A backup as administrators see it: with what is in it, where it lies, whether it was proved, and who needs it.

use admin_proto::v1::backup_details::{Origin, State};
use admin_proto::v1::verification::State as Proof;
use admin_proto::v1::{self, BackupDetails, ShardBackup};
use valkyard_model::{Backup, BackupContent, BackupFile, BackupOrigin, BackupState, Verification};

use super::node_message::whole;
use crate::convert::timestamp_message;

pub(super) fn details_message(backup: &Backup, in_use_by: Vec<String>) -> BackupDetails {
    let content = backup.content();
    let text = |of: fn(&BackupContent) -> &str| content.map(|content| of(content).to_owned()).unwrap_or_default();
    BackupDetails {
        name: backup.name.to_string(),
        state: match backup.state {
            BackupState::Creating => State::Creating,
            BackupState::Active { .. } => State::Active,
            BackupState::Deleting { .. } => State::Deleting,
        }
        .into(),
        origin: match backup.origin {
            BackupOrigin::OnDemand => Origin::OnDemand,
            BackupOrigin::Automated { .. } => Origin::Automated,
        }
        .into(),
        instance: backup.instance.to_string(),
        instance_uid: backup.instance_uid.to_string(),
        create_time: Some(timestamp_message(backup.create_time)),
        expire_time: Some(timestamp_message(backup.expire_time)),
        engine_version: backup.engine_version.to_string(),
        node_type: backup.node_type.to_string(),
        shard_count: backup.shard_count.into(),
        replica_count: backup.replica_count.into(),
        size_bytes: content.map_or(0, |content| whole(content.bytes())),
        keys: content.map_or(0, |content| whole(content.keys())),
        digest: text(|content| &content.digest),
        shards: content.map(|content| content.files.iter().map(shard_message).collect()).unwrap_or_default(),
        verification: Some(verification_message(&backup.verification)),
        url: text(|content| &content.url),
        in_use_by,
    }
}

fn shard_message(file: &BackupFile) -> ShardBackup {
    ShardBackup {
        shard: file.shard.to_string(),
        file: file.file.clone(),
        size_bytes: whole(file.bytes),
        keys: whole(file.keys),
        keys_expiring: whole(file.keys_expiring),
        digest: file.digest.clone(),
        sha256: file.sha256.clone(),
        data_bytes: whole(file.data_bytes),
        slots: file.slots.to_string(),
        begin_time: Some(timestamp_message(file.begun_at)),
        end_time: Some(timestamp_message(file.finished_at)),
    }
}

fn verification_message(verification: &Verification) -> v1::Verification {
    let (state, time, detail) = match verification {
        Verification::Never => (Proof::Unspecified, None, ""),
        Verification::Running { at } => (Proof::Running, Some(*at), ""),
        Verification::Passed { at, detail } => (Proof::Passed, Some(*at), detail.as_str()),
        Verification::Failed { at, detail } => (Proof::Failed, Some(*at), detail.as_str()),
    };
    v1::Verification { state: state.into(), time: time.map(timestamp_message), detail: detail.to_owned() }
}
