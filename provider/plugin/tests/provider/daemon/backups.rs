//! Backups over a [`Script`](super::Script).

use admin_proto::v1::backup_details::{Origin, State};
use admin_proto::v1::{BackupDetails, Verification, verification};
use memorystore_proto::longrunning::{Operation, operation};
use memorystore_proto::v1::{self, Backup, BackupInstanceRequest, Instance};
use memorystore_proto::{pack, rpc};
use prost_types::Timestamp;
use tonic::{Code, Status};

use super::Shared;
use super::stubs::not_found;

/// When the first backup was made.
pub(crate) const CREATED_SECONDS: i64 = 1_790_000_000;
const DAY: i64 = 86_400;
const CENTURY: i64 = 100 * 365 * DAY;
/// Backups in an answer of ListBackups.
const PAGE: usize = 2;

fn time(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

/// A complete backup of an instance of one shard.
pub(crate) fn backup_of(instance: &str, backup_id: &str, created: i64, ttl: i64) -> BackupDetails {
    BackupDetails {
        name: format!("{}/backups/{backup_id}", instance.replace("/instances/", "/backupCollections/")),
        state: State::Active.into(),
        origin: Origin::OnDemand.into(),
        instance: instance.to_owned(),
        instance_uid: "5f0a9b3e-8f0e-4a52-9d38-0f3b9a4c1d77".to_owned(),
        create_time: time(created),
        expire_time: time(created + ttl),
        engine_version: "VALKEY_9_1".to_owned(),
        node_type: "HIGHMEM_MEDIUM".to_owned(),
        shard_count: 1,
        size_bytes: 4096,
        keys: 7,
        digest: "ab".repeat(32),
        url: "file:///backups".to_owned(),
        ..BackupDetails::default()
    }
}

/// Ends an operation on a backup well, but for a flaw that a verification finds.
pub(super) fn end(backup: &mut BackupDetails, verb: &str, flaw: Option<&str>) -> operation::Result {
    if verb == "backup" {
        backup.state = State::Active.into();
        return operation::Result::Response(pack(&Instance::default()));
    }
    let state = if flaw.is_some() { verification::State::Failed } else { verification::State::Passed };
    let detail = flaw.unwrap_or("7 keys are equal").to_owned();
    backup.verification = Some(Verification { state: state.into(), time: time(CREATED_SECONDS + 60), detail });
    match flaw {
        None => operation::Result::Response(pack(&Instance::default())),
        Some(_) => {
            let message = "the backup did not pass".to_owned();
            operation::Result::Error(rpc::Status { code: Code::DataLoss.into(), message, details: Vec::new() })
        }
    }
}

impl Shared {
    pub(super) fn back_up(&self, request: &BackupInstanceRequest) -> Result<Operation, Status> {
        let mut script = self.script();
        script.accept("BackupInstance".to_owned())?;
        let instance = script.instances.get(&request.name).cloned().ok_or_else(|| not_found(&request.name))?;
        let backup_id = request.backup_id.clone().unwrap_or_else(|| "20260921141320_5f0a9b3e".to_owned());
        let created = CREATED_SECONDS + i64::try_from(script.backups.len()).expect("a few") * DAY;
        let mut backup = backup_of(&request.name, &backup_id, created, request.ttl.map_or(CENTURY, |ttl| ttl.seconds));
        backup.shard_count = instance.shard_count;
        backup.state = State::Creating.into();
        let name = backup.name.clone();
        if script.backups.contains_key(&name) {
            return Err(Status::already_exists(format!("Resource '{name}' already exists")));
        }
        script.backups.insert(name.clone(), backup);
        Ok(script.begin("backup", &name))
    }

    pub(super) fn remove_backup(&self, name: &str) -> Result<Operation, Status> {
        let mut script = self.script();
        script.accept("DeleteBackup".to_owned())?;
        let backup = script.backups.get(name).ok_or_else(|| not_found(name))?;
        if let Some(user) = backup.in_use_by.first() {
            return Err(Status::failed_precondition(format!("{name} is in use by {user}")));
        }
        Ok(script.begin("delete", name))
    }

    pub(super) fn list_backups(&self, request: &v1::ListBackupsRequest) -> Result<v1::ListBackupsResponse, Status> {
        let details = self.details_of(&request.parent)?;
        let begin: usize = request.page_token.parse().unwrap_or_default();
        let backups = details.iter().skip(begin).take(PAGE).map(|details| Backup {
            name: details.name.clone(),
            create_time: details.create_time,
            expire_time: details.expire_time,
            total_size_bytes: details.size_bytes,
            state: details.state,
            ..Backup::default()
        });
        let next = if begin + PAGE < details.len() { (begin + PAGE).to_string() } else { String::new() };
        Ok(v1::ListBackupsResponse { backups: backups.collect(), next_page_token: next, unreachable: Vec::new() })
    }

    /// Backups of a collection, which is there once it has one.
    pub(super) fn details_of(&self, collection: &str) -> Result<Vec<BackupDetails>, Status> {
        let script = self.script();
        let inside = script.backups.values().filter(|backup| backup.name.starts_with(&format!("{collection}/")));
        let mut found: Vec<BackupDetails> = inside.cloned().collect();
        found.sort_by_key(|backup| std::cmp::Reverse(backup.create_time.map(|time| time.seconds)));
        if found.is_empty() { Err(not_found(collection)) } else { Ok(found) }
    }
}
