//! What the daemon is asked about backups.
//!
//! Owns the calls of the public API that make, list and remove backups, and those of the administration API that tell
//! what is in them and prove them. The resources and data sources for backups call it. Invariant: reads are repeated
//! when their answer does not come back; what changes something waits for its turn on the instance.

use admin_proto::v1::admin_client::AdminClient;
use admin_proto::v1::backup_details::State;
use admin_proto::v1::{
    BackupDetails, BackupPolicy, GetBackupDetailsRequest, GetBackupPolicyRequest, ListBackupDetailsRequest,
    SetBackupPolicyRequest, VerifyBackupRequest,
};
use memorystore_proto::longrunning::{GetOperationRequest, Operation, operations_client::OperationsClient};
use memorystore_proto::v1::memorystore_client::MemorystoreClient;
use memorystore_proto::v1::{Backup, BackupInstanceRequest, DeleteBackupRequest, ListBackupsRequest, ListBackupsResponse};
use tonic::transport::Channel;

use super::pace::Pace;
use super::{ApiError, Client};

/// Longest answer of the administration API. A list comes in one piece: 1,000 backups of 250 shards with about 300 bytes
/// for each shard are 75 MB, and gRPC's own bound is 4 MiB.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;

fn admin(channel: Channel) -> AdminClient<Channel> {
    AdminClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
}

impl Client {
    /// One sending; [`super::Submission`] sees to the rest.
    pub(super) async fn backup_instance(&self, request: BackupInstanceRequest) -> Result<Operation, ApiError> {
        let mut api = MemorystoreClient::new(self.connection()?.channel.clone());
        self.call("BackupInstance", api.backup_instance(request)).await
    }

    pub(crate) async fn delete_backup(&self, request: DeleteBackupRequest) -> Result<Operation, ApiError> {
        let send = |channel, request| async move { MemorystoreClient::new(channel).delete_backup(request).await };
        self.when_free("DeleteBackup", request, send).await
    }

    /// All backups of a collection, as the public API tells them.
    pub(crate) async fn backups(&self, collection: String) -> Result<Vec<Backup>, ApiError> {
        let send = |channel, request| async move { MemorystoreClient::new(channel).list_backups(request).await };
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListBackupsRequest { parent: collection.clone(), page_token, ..ListBackupsRequest::default() };
            let page: ListBackupsResponse = self.when_answered("ListBackups", request, send).await?;
            // A page that brings nothing would bring nothing for ever.
            let is_last = page.next_page_token.is_empty() || page.backups.is_empty();
            found.extend(page.backups);
            if is_last {
                return Ok(found);
            }
            page_token = page.next_page_token;
        }
    }

    /// What is in a backup.
    pub(crate) async fn backup(&self, name: String) -> Result<BackupDetails, ApiError> {
        let send = |channel, request| async move { admin(channel).get_backup_details(request).await };
        self.when_answered("GetBackupDetails", GetBackupDetailsRequest { name }, send).await
    }

    /// What is in the backups of a collection, newest first.
    pub(crate) async fn backup_details(&self, collection: String) -> Result<Vec<BackupDetails>, ApiError> {
        let send = |channel, request| async move { admin(channel).list_backup_details(request).await };
        let answer = self.when_answered("ListBackupDetails", ListBackupDetailsRequest { parent: collection }, send).await?;
        Ok(answer.backups)
    }

    /// The backup, once it is no longer being made.
    ///
    /// # Errors
    /// Fails when the daemon cannot be asked, and when it gave the backup up, which is then gone.
    pub(crate) async fn backup_made(&self, name: String) -> Result<BackupDetails, ApiError> {
        let mut pace = Pace::new();
        loop {
            let backup = self.backup(name.clone()).await?;
            if backup.state() != State::Creating {
                return Ok(backup);
            }
            pace.next().await;
        }
    }

    /// Begins to restore a backup into a scratch instance and to compare it.
    pub(crate) async fn verify_backup(&self, name: String) -> Result<Operation, ApiError> {
        let verify = |channel, request| async move { admin(channel).verify_backup(request).await };
        let begun = self.when_free("VerifyBackup", VerifyBackupRequest { name }, verify).await?;
        let look = |channel, request| async move { OperationsClient::new(channel).get_operation(request).await };
        self.when_answered("GetOperation", GetOperationRequest { name: begun.operation }, look).await
    }

    /// The daemon's part of a backup policy. `name` is that of the instance.
    pub(crate) async fn backup_policy(&self, name: String) -> Result<BackupPolicy, ApiError> {
        let send = |channel, request| async move { admin(channel).get_backup_policy(request).await };
        self.when_answered("GetBackupPolicy", GetBackupPolicyRequest { name }, send).await
    }

    pub(crate) async fn set_backup_policy(&self, request: SetBackupPolicyRequest) -> Result<BackupPolicy, ApiError> {
        let send = |channel, request| async move { admin(channel).set_backup_policy(request).await };
        self.when_free("SetBackupPolicy", request, send).await
    }
}
